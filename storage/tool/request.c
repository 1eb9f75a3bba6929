// SPDX-License-Identifier: Apache-2.0
#include "request.h"

#include "proto/subject.h"

#include <inttypes.h>

static enum rill_err refuse(struct rill_error_text *why, const char *what, const char *word)
{
    rill_error_text_set(why, "%s: %s", word, what);
    return RILL_ERR_INVALID;
}

static bool takes(const char *flags, const char *flag)
{
    const size_t len = strlen(flag);
    for (const char *at = flags; (at = strstr(at, flag)) != NULL; at += len) {
        if (at > flags && at[-1] == ' ' && at[len] == ' ')
            return true;
    }
    return false;
}

static bool read_switch(struct request *request, const char *flag)
{
    const struct {
        const char *flag;
        bool *value;
    } switches[] = {
        {"--json", &request->json},
        {"--live", &request->live},
        {"--strict", &request->strict},
        {"--keep-torn", &request->keep_torn},
        {"--messages", &request->messages_only},
    };
    for (size_t i = 0; i < sizeof switches / sizeof switches[0]; i++) {
        if (strcmp(flag, switches[i].flag) == 0)
            return *switches[i].value = true;
    }
    return false;
}

static bool read_payload(struct request *request, struct rill_bytes value)
{
    static const char *const forms[] = {
        [PAYLOAD_BASE64] = "base64", [PAYLOAD_TEXT] = "text", [PAYLOAD_NONE] = "none"};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (rill_bytes_equal_cstr(value, forms[i])) {
            request->payload = (enum payload_form)i;
            return true;
        }
    }
    return false;
}

static enum rill_err read_value(struct request *request, const char *flag, const char *text,
                                struct rill_error_text *why)
{
    const struct rill_bytes value = rill_bytes_from_cstr(text);
    if (strcmp(flag, "--from") == 0)
        return rill_bytes_to_u64(value, UINT64_MAX, &request->from_sequence)
                   ? RILL_OK
                   : refuse(why, "not a sequence", text);
    if (strcmp(flag, "--to") == 0)
        return rill_bytes_to_u64(value, UINT64_MAX, &request->to_sequence)
                   ? RILL_OK
                   : refuse(why, "not a sequence", text);
    if (strcmp(flag, "--payload") == 0)
        return read_payload(request, value)
                   ? RILL_OK
                   : refuse(why, "the payload is shown as base64, text or none", text);
    if (strcmp(flag, "--config") == 0) {
        request->config = text;
        return RILL_OK;
    }
    request->subject = value;
    return rill_subject_is_valid(value) ? RILL_OK : refuse(why, "not a subject or pattern", text);
}

static enum rill_err read_flag(int argc, char *const argv[], int *at, const char *flags,
                               struct request *request, struct rill_error_text *why)
{
    char flag[32] = "";
    const char *word = argv[*at], *value = strchr(word, '=');
    const size_t len = value ? (size_t)(value - word) : strlen(word);
    memcpy(flag, word, len < sizeof flag ? len : 0);
    if (!*flag || !takes(flags, flag))
        return refuse(why, "no such flag here", word);
    if (!value && read_switch(request, flag))
        return RILL_OK;
    if (!value && *at + 1 == argc)
        return refuse(why, "needs a value", word);
    return read_value(request, flag, value ? value + 1 : argv[++*at], why);
}

static enum rill_err read_folder(struct request *request, int *given, int folders, const char *word,
                                 struct rill_error_text *why)
{
    if (*given == folders)
        return refuse(why, "one word too many", word);
    *((*given)++ == 0 ? &request->folder : &request->target) = word;
    return *word ? RILL_OK : refuse(why, "the name of a folder is empty", "\"\"");
}

enum rill_err request_read(int argc, char *const argv[], int folders, const char *flags,
                           struct request *request, struct rill_error_text *why)
{
    int given = 0;
    bool flags_end = false;
    request->to_sequence = UINT64_MAX;
    for (int i = 0; i < argc; i++) {
        enum rill_err err = RILL_OK;
        if (!flags_end && strcmp(argv[i], "--") == 0)
            flags_end = true;
        else if (!flags_end && argv[i][0] == '-')
            err = read_flag(argc, argv, &i, flags, request, why);
        else
            err = read_folder(request, &given, folders, argv[i], why);
        if (err)
            return err;
    }
    return given == folders
               ? RILL_OK
               : refuse(why,
                        folders == 2 ? "name two folders: the damaged one, the new one" : "name the folder",
                        "DIR");
}
