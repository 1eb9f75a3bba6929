// SPDX-License-Identifier: Apache-2.0
#include "proto/subject_transform.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

/* What becomes of the subject, as a string; "-" when the source does not match, "!" when there is no such transform. */
static const char *transform(const char *source, const char *destination, const char *subject)
{
    static struct rill_buf out;
    struct rill_random random = {.state = 1};
    struct rill_subject_transform *made;
    struct rill_error_text why;
    if (rill_subject_transform_create(rill_bytes_from_cstr(source), rill_bytes_from_cstr(destination), &made,
                                      &why))
        return "!";
    rill_buf_fini(&out);
    rill_buf_init(&out, 4096);
    const enum rill_err err =
        rill_subject_transform_apply(made, rill_bytes_from_cstr(subject), &random, &out);
    rill_subject_transform_destroy(made);
    if (err || rill_buf_append(&out, rill_bytes_of("", 1)))
        return "-";
    return (const char *)out.data;
}

// What the tokens of a destination make of the subject, as nats-server's documentation of subject mapping has it.
Test(subject_transform, makes_one_subject_of_another)
{
    static const struct {
        const char *source;
        const char *destination;
        const char *subject;
        const char *expected;
        const char *why;
    } rows[] = {
        {"a.b", "c", "a.b", "c", "no wildcard"},
        {"a.b", "c", "a.c", "-", "no match"},
        {"", "x.>", "a.b", "x.a.b", "an empty source takes all"},
        {">", "x.>", "a", "x.a", "the rest is what > matched"},
        {"a.*.>", "b.>", "a.b.c.d", "b.c.d", "the rest begins behind the source's tokens"},
        {"a.*.*", "b.$2.$1", "a.1.2", "b.2.1", "wildcards in the old form"},
        {"a.*.*", "b.{{wildcard(2)}}.{{ Wildcard( 1 ) }}", "a.1.2", "b.2.1", "and in the new one"},
        {"*", "{{partition(10,1)}}.$1", "foo", "3.foo", "FNV-1a of the token"},
        {"*.*", "{{partition(10,1,2)}}", "f.oo", "3", "of several tokens without the dots"},
        {"*", "{{partition(10)}}", "foo", "3", "of the whole subject"},
        {"*", "{{split(1,-)}}", "-a--b-", "a.b", "empty parts are left away"},
        {"*", "{{splitFromLeft(1,2)}}", "abcde", "ab.cde", "at a place"},
        {"*", "{{SplitFromRight(1,2)}}", "abcde", "abc.de", "from the end"},
        {"*", "{{splitFromLeft(1,5)}}", "abcde", "abcde", "too short to split"},
        {"*", "{{sliceFromLeft(1,2)}}", "abcde", "ab.cd.e", "the odd one is last"},
        {"*", "{{sliceFromRight(1,2)}}", "abcde", "a.bc.de", "the odd one is first"},
        {"*", "{{sliceFromLeft(1,2)}}", "abcd", "ab.cd", "no odd one"},
        {"*", "{{left(1,2)}}", "abcde", "ab", "the beginning"},
        {"*", "{{right(1,2)}}", "abcde", "de", "the end"},
        {"a", "{{random(1)}}", "a", "0", "of one bucket"},
        {"a", "$x.b", "a", "$x.b", "a dollar is no wildcard by itself"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *made = transform(rows[i].source, rows[i].destination, rows[i].subject);
        cr_expect(eq(str, (char *)made, (char *)rows[i].expected), "%s", rows[i].why);
    }
}

// What could not be carried out for every subject is refused when the transform is made.
Test(subject_transform, refuses_what_it_could_not_carry_out)
{
    static const struct {
        const char *source;
        const char *destination;
        const char *why;
    } rows[] = {
        {"a..b", "c", "no subject"},
        {"a", "", "nothing"},
        {"a", "b..c", "an empty token"},
        {"a.*", "b.*", "a wildcard in the destination"},
        {"a.>", "b", "> in the source only"},
        {"a", "b.>", "> in the destination only"},
        {"a.>", "b.>.c", "> in the middle"},
        {"a.*", "b.$2", "no such wildcard"},
        {"a.*", "b.$0", "they are counted from 1"},
        {"a.*", "{{wildcard(2)}}", "no such wildcard"},
        {"a.*", "{{wildcard()}}", "no argument"},
        {"a.*", "{{wildcard(1,1)}}", "too many arguments"},
        {"a.*", "{{nonsense(1)}}", "no such function"},
        {"a.*", "{{left(1)}}", "too few arguments"},
        {"a.*", "{{left(1,x)}}", "no number"},
        {"a.*", "{{partition(x,1)}}", "no number"},
        {"a.*", "{{partition(3,2)}}", "no such wildcard"},
        {"a", "b c", "a blank"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *made = transform(rows[i].source, rows[i].destination, "a");
        cr_expect(eq(str, (char *)made, "!"), "%s", rows[i].why);
    }
}

// A subject that outgrows the buffer's maximum is an error, not a cut subject.
Test(subject_transform, says_when_there_is_no_room)
{
    struct rill_subject_transform *made;
    struct rill_error_text why;
    struct rill_random random = {.state = 1};
    struct rill_buf out;
    rill_buf_init(&out, 4);
    cr_assert(
        eq(int, rill_subject_transform_create(RILL_BYTES("*"), RILL_BYTES("long.$1"), &made, &why), RILL_OK));
    cr_expect(eq(int, rill_subject_transform_apply(made, RILL_BYTES("a"), &random, &out), RILL_ERR_LIMIT));
    rill_subject_transform_destroy(made);
    rill_buf_fini(&out);
}
