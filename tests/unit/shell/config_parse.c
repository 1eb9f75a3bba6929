// SPDX-License-Identifier: Apache-2.0
#include "parse.h"

#include "config_support.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>

TestSuite(config_parse);

/* Writes the tree as compact JSON-like text, so that a table can state what a configuration means. */
static void describe(const struct config_value *value, FILE *out)
{
    switch (value->kind) {
    case CONFIG_MAP:
    case CONFIG_LIST:
        (void)fputc(value->kind == CONFIG_MAP ? '{' : '[', out);
        for
            CONFIG_EACH(child, value)
            {
                if (child->key)
                    (void)fprintf(out, "%s:", child->key);
                describe(child, out);
                (void)fputs(child->next ? "," : "", out);
            }
        (void)fputc(value->kind == CONFIG_MAP ? '}' : ']', out);
        break;
    case CONFIG_BOOL:
        (void)fputs(value->boolean ? "true" : "false", out);
        break;
    case CONFIG_INT:
        (void)fprintf(out, "%lld", (long long)value->integer);
        break;
    case CONFIG_FLOAT:
        (void)fprintf(out, "%g", value->number);
        break;
    case CONFIG_DATE:
        (void)fprintf(out, "@%s", value->text);
        break;
    default:
        (void)fprintf(out, "'%s'", value->text);
        break;
    }
}

/* The description of a text, or the reason why it is refused. */
static void parse_and_describe(const char *text, char *result, size_t size)
{
    struct config_arena *arena = config_arena_create();
    struct config_value *map = NULL;
    struct rill_error_text why;
    FILE *out = fmemopen(result, size, "w");
    if (config_parse_text(rill_bytes_from_cstr(text), "c.conf", arena, &map, &why))
        (void)fputs(why.text, out);
    else
        describe(map, out);
    (void)fclose(out);
    config_arena_destroy(arena);
}

static const struct {
    const char *text;
    const char *result;
    const char *why;
} cases[] = {
    {"", "{}", "nothing"},
    {"port: 4222", "{port:4222}", "a colon"},
    {"port = 4222", "{port:4222}", "an equals sign"},
    {"port 4222", "{port:4222}", "a blank"},
    {"port\n4222", "{port:4222}", "without a separator the value may stand on the next line"},
    {"port:\n4222", "c.conf:1: port: a value is missing", "with one it may not"},
    {"a{b{c:1}}", "{a:{b:{c:1}}}", "blocks in blocks"},
    {"a:1, b:2; c:3\nd:4", "{a:1,b:2,c:3,d:4}", "four separators"},
    {"a:1;;b:2", "{a:1,b:2}", "semicolons may be repeated"},
    {"a:1,,b:2", "c.conf:1: expected a key, got ','", "commas may not"},
    {"a:1 b:2", "c.conf:1: expected the end of the line, a comma or a semicolon, got 'b'",
     "a separator is needed"},
    {"{\"a\": 1, \"b\": [1, 2], \"c\": {\"d\": true}}", "{a:1,b:[1,2],c:{d:true}}", "JSON"},
    {"{a:1} b", "c.conf:1: more text behind the last }", "text behind JSON"},
    {"# c\n// d\na:1 # e\nb:2 // f", "{a:1,b:2}", "comments"},
    {"a: b#c", "{a:'b#c'}", "a comment needs a blank in front"},
    {"a: http://b/c", "{a:'http://b/c'}", "an address is no comment"},
    {"a: b\\tc", "{a:'b\tc'}", "escapes in a bare text"},
    {"a: \"b\\x41\\\"\\\\\"", "{a:'bA\"\\'}", "escapes in double quotes"},
    {"a: 'b\\tc'", "{a:'b\\tc'}", "no escapes in single quotes"},
    {"a: \"\\q\"", "c.conf:1: a: bad escape: only \\t \\n \\r \\\" \\\\ and \\xHH may follow a backslash",
     "a bad escape"},
    {"a: \"\\x00\"", "c.conf:1: a: bad escape: only \\t \\n \\r \\\" \\\\ and \\xHH may follow a backslash",
     "no NUL by an escape"},
    {"a: 'b\nc'\nd: 1", "{a:'b\nc',d:1}", "a text over two lines"},
    {"\n\na: 'b\n", "c.conf:4: a: the ' of line 3 is not closed", "an open quote names its line"},
    {"a: (\nb\n)\nc: 1", "{a:'\nb\n',c:1}", "a block text keeps its line ends"},
    {"a: (b)\n", "c.conf:2: a: the ( of line 1 needs a ) on a line of its own",
     "its end has a line for itself"},
    {"a: [b, c\nd]", "{a:['b','c','d']}", "a list, by commas and lines"},
    {"a: [1, 2,]", "{a:[1,2]}", "a trailing comma"},
    {"a: [[1], {b:2}]", "{a:[[1],{b:2}]}", "lists of anything"},
    {"a: [1 2]", "c.conf:1: a: expected a comma, a new line or a ]", "a list needs separators"},
    {"a: [1,,2]", "c.conf:1: a: a value is missing", "an empty element"},
    {"a: [1", "c.conf:1: a: the [ of line 1 is not closed", "an open list"},
    {"a {\nb: 1\n", "c.conf:3: a: the { of line 1 is not closed", "an open block names its line"},
    {"a: 1.5, b: on, c: 10s, d: 1.2.3.4", "{a:1.5,b:true,c:'10s',d:'1.2.3.4'}", "kinds of bare words"},
    {"a: 2026-01-31T12:00:00Z", "{a:@2026-01-31T12:00:00Z}", "a date"},
    {"a: 99999999999999999999", "c.conf:1: a: the number 99999999999999999999 does not fit into 64 bits",
     "too large"},
    {"a: 1\na: 2", "{a:2}", "the last one counts"},
    {"A=7\nb: $A", "{A:7,b:7}", "a variable"},
    {"A=7\nb { A=8, c: $A }\nd: $A", "{A:7,b:{A:8,c:8},d:7}", "the innermost block counts"},
    {"A=7\nb { c: [ $A ] }", "{A:7,b:{c:[7]}}", "seen from inside"},
    {"b { A=8 }\nc: $A", "c.conf:2: c: variable $A is not set above, nor in the environment",
     "not from outside"},
    {"b: $A\nA=7", "c.conf:1: b: variable $A is not set above, nor in the environment",
     "nor before it is set"},
    {"A=$A", "c.conf:1: A: variable $A is not set above, nor in the environment", "nor by itself"},
    {"A { b: 1 }\nc: $A", "{A:{b:1},c:{b:1}}", "a block by name"},
    {"a: $2a$11$abc, b: $2b$11$abc, c: $2y$11$abc", "{a:'$2a$11$abc',b:'$2b$11$abc',c:'$2y$11$abc'}",
     "bcrypt"},
    {"a: '$B'", "{a:'$B'}", "a quoted dollar is a dollar"},
    {": 1", "c.conf:1: expected a key, got ':'", "a key is missing"},
    {"a: 1}", "c.conf:1: expected a key, got '}'", "one brace too many"},
    {"a", "c.conf:1: a: a value is missing", "a key alone"},
    {"a: 1\r\nb: 2\r\n", "{a:1,b:2}", "line ends of Windows"},
    {"include: 1", "{include:1}", "with a colon it is an ordinary key"},
    {"include {a:1}", "c.conf:1: include: expected the path of a file", "an include of a block"},
};

// What a configuration means, and where a wrong one is wrong.
Test(config_parse, texts_become_trees_or_a_reason_with_a_place)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char result[512] = "";
        parse_and_describe(cases[i].text, result, sizeof result);
        cr_expect(eq(str, result, (char *)cases[i].result), "%s", cases[i].why);
    }
}

// Nesting, keys in a block, size and NUL bytes are bounded or refused, before anything overflows.
Test(config_parse, depth_and_size_are_bounded)
{
    char deep[401];
    char result[512] = "";
    memset(deep, '[', sizeof deep - 1);
    memcpy(deep, "a:", 2);
    deep[sizeof deep - 1] = '\0';
    parse_and_describe(deep, result, sizeof result);
    cr_expect(eq(str, result, "c.conf:1: blocks and lists are nested more than 64 deep"));

    struct config_arena *arena = config_arena_create();
    struct config_value *map = NULL;
    struct rill_error_text why;
    char *large = calloc(1, (1 << 20) + 2);
    memset(large, '\n', (1 << 20) + 1);
    cr_expect(eq(int, (int)config_parse_text(rill_bytes_of(large, (1 << 20) + 1), "c", arena, &map, &why),
                 (int)RILL_ERR_LIMIT));
    cr_expect(eq(int, (int)config_parse_text(RILL_BYTES("a: b\0c"), "c", arena, &map, &why),
                 (int)RILL_ERR_INVALID));
    cr_expect(map == NULL);
    free(large);
    config_arena_destroy(arena);
}

// A variable that no block sets comes from the environment, read as a value; a circle of them is refused.
Test(config_parse, variables_fall_back_to_the_environment)
{
    char result[512] = "";
    setenv("RILL_TEST_NUMBER", "5k", 1);
    setenv("RILL_TEST_OTHER", "$RILL_TEST_NUMBER", 1);
    setenv("RILL_TEST_BLOCK", "{a: [1, b]}", 1);
    setenv("RILL_TEST_TWO", "a b", 1);
    setenv("RILL_TEST_CIRCLE", "$RILL_TEST_CIRCLE", 1);
    parse_and_describe("x: $RILL_TEST_OTHER; y: $RILL_TEST_BLOCK", result, sizeof result);
    cr_expect(eq(str, result, "{x:5000,y:{a:[1,'b']}}"));
    parse_and_describe("x: $RILL_TEST_TWO", result, sizeof result);
    cr_expect(eq(str, result, "$RILL_TEST_TWO:1: more than one value (quote texts that have blanks)"));
    parse_and_describe("x: $RILL_TEST_CIRCLE", result, sizeof result);
    cr_expect(strstr(result, "variables refer to each other too deeply") != NULL, "%s", result);
}

static const struct {
    const char *text;
    const char *result;
    const char *why;
} includes[] = {
    {"include one.conf\nb: 2", "{a:1,b:2}", "keys go where the include stands"},
    {"x { include './one.conf' }", "{x:{a:1}}", "in a block, too"},
    {"include one.conf; c: $a", "{a:1,c:1}", "its keys are variables afterwards"},
    {"A=5\ninclude use.conf", "use.conf:1: b: variable $A is not set above, nor in the environment",
     "the includer's variables are not seen inside"},
    {"include circle.conf", "circle.conf:2: include circle.conf: it includes itself", "a circle"},
    {"include bad.conf", "bad.conf:3: p: the [ of line 2 is not closed", "the place is in the included file"},
    {"\ninclude none.conf", "c.conf:2: include none.conf: No such file or directory", "a missing file"},
    {"y { include none.conf }", "c.conf:1: y: include none.conf: No such file or directory",
     "with its block"},
};

// Includes are relative to the including file, bounded, and never circular.
Test(config_parse, includes_become_part_of_the_block_they_stand_in)
{
    struct config_folder folder = config_folder_create();
    config_folder_write(&folder, "one.conf", "a: 1\n");
    config_folder_write(&folder, "use.conf", "b: $A\n");
    config_folder_write(&folder, "circle.conf", "a: 1\ninclude circle.conf\n");
    config_folder_write(&folder, "bad.conf", "a: 1\np: [\n");
    for (size_t i = 0; i < sizeof includes / sizeof includes[0]; i++) {
        char path[128];
        char result[512] = "";
        struct config_arena *arena = config_arena_create();
        struct config_value *map = NULL;
        struct rill_error_text why;
        config_folder_write(&folder, "c.conf", includes[i].text);
        (void)snprintf(path, sizeof path, "%s/c.conf", folder.path);
        FILE *out = fmemopen(result, sizeof result, "w");
        if (config_parse_file(path, arena, &map, &why))
            (void)fputs(why.text, out);
        else
            describe(map, out);
        (void)fclose(out);
        config_folder_hide(&folder, result);
        cr_expect(eq(str, result, (char *)includes[i].result), "%s", includes[i].why);
        config_arena_destroy(arena);
    }
    config_folder_remove(&folder);
}
