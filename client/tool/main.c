// SPDX-License-Identifier: Apache-2.0
#include "command.h"

#include <locale.h>

/* What was printed has to have arrived, else the program was of no use. */
static enum tool_exit finish_output(const struct call *call, enum tool_exit code)
{
    if (fflush(stdout) != 0 || ferror(stdout))
        return call_fail(call, code ? code : TOOL_FAILED,
                         "the output could not be written: is the disk full?");
    return code;
}

int main(int argc, char *argv[])
{
    struct call call = {0};
    enum tool_exit code;
    // All texts are UTF-8, whatever the environment says; numbers and messages stay those of C.
    (void)setlocale(LC_CTYPE, "C.UTF-8");
    if (!args_read(argc, argv, &call, &code))
        code = call.command->run(&call);
    code = finish_output(&call, code);
    call_fini(&call);
    return (int)code;
}
