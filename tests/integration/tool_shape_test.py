#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""rill without a server: help, mistakes on the command line, contexts, completions, the manual."""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import tool  # noqa: E402
from harness.tap import Skip, run_laws  # noqa: E402


def commands():
    """Each command as a list of words, from the manual."""
    found = re.findall(r"^\.SS rill (.*?) \[options\]", tool.rill("manual")[1], re.MULTILINE)
    assert len(found) > 20, found
    return [one.split() for one in found]


def law_every_command_has_help_with_an_example():
    for words in commands():
        code, out, err = tool.rill(*words, "--help")
        assert code == 0 and err == "" and f"Usage: rill {' '.join(words)} [options]" in out, (words, code, err)
        assert "Common options" in out and f"\nExamples\n  rill {' '.join(words)}" in out, words
        assert tool.rill("help", *words)[1] == out, words
        assert all(len(line) <= 100 for line in out.split("\nExamples")[0].splitlines()), words


def law_every_example_is_understood():
    """Each example, with --help behind it, is read without a mistake; its options are known."""
    for words in commands():
        out = tool.rill(*words, "--help")[1]
        for line in out.split("\nExamples\n")[1].splitlines():
            code, _, err = subprocess_of_shell(line.strip().split(" | ")[0].split(" <")[0].split(" >")[0] + " --help")
            assert code == 0, (line, err)


def subprocess_of_shell(line):
    folder = os.path.dirname(os.path.abspath(shutil.which(tool.TOOL)))
    env = tool.environment(XDG_CONFIG_HOME="/nowhere")
    env["PATH"] = folder + ":" + env["PATH"]
    done = subprocess.run(["/bin/sh", "-c", line], capture_output=True, env=env, check=False, timeout=60)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def law_help_of_all_and_of_families():
    code, out, _ = tool.rill("--help")
    assert code == 0 and "Exit codes" in out and "RILL_URL" in out and tool.rill()[1] == out
    for family in sorted({words[0] for words in commands() if len(words) > 1}):
        code, out, _ = tool.rill(family, "--help")
        assert code == 0 and f"rill {family} <command> --help" in out, family
        assert tool.rill(family)[0] == tool.USAGE, family
        assert f"  {family} " in tool.rill("--help")[1], family


def law_a_mistake_is_one_line_that_says_how_to_mend_it():
    cases = [
        (["pubb"], "did you mean pub?"),
        (["stream", "inof"], "did you mean stream info?"),
        (["xyzzy"], "rill --help"),
        (["stream", "xyzzy"], "rill stream --help"),
        (["pub"], "<subject> is missing"),
        (["pub", "a", "b", "c"], "'c' is one argument too many"),
        (["pub", "a", "--cout", "3"], "did you mean --count?"),
        (["pub", "a", "--count"], "--count needs a value: give a whole number"),
        (["pub", "a", "--count", "-3"], "--count cannot be '-3': give a whole number"),
        (["pub", "a", "--count", "99999999999999999999"], "--count cannot be"),
        (["pub", "a", "--sleep", "5 minutes"], "give a duration such as"),
        (["pub", "a", "-Z"], "there is no option -Z"),
        (["pub", "a", "--stream=yes"], "--stream takes no value"),
        (["pub", "a..b"], "subject cannot be 'a..b'"),
        (["pub", "a", "--header", "x"], "a name, a colon and a value"),
        (["pub", "a", "b", "--stdin"], "exclude each other"),
        (["stream", "add", "a.b"], "without dots"),
        (["stream", "add", "A", "--storage", "disk"], "use one of: file memory"),
        (["stream", "add", "A", "--max-bytes", "10X"], "a size such as"),
        (["stream", "add", "A", "--deny-purge=maybe"], "yes or no"),
        (["rtt", "--timeout", "-1s"], "--timeout cannot be"),
        (["rtt", "--color", "blue"], "use one of: auto always never"),
        (["--server"], "--server needs a value"),
        (["context", "add", "../x"], "letters, digits"),
    ]
    for words, part in cases:
        tool.refused(tool.rill(*words), tool.USAGE, "rill", part)


def law_options_may_stand_anywhere():
    for words in (["--timeout", "1s", "version", "--json"], ["-j", "version"], ["version", "-j"], ["--json", "--", "version"]):
        code, out, err = tool.rill(*words)
        assert code == 0 and list(json.loads(out)) == ["version"], (words, err)


def law_the_version_is_told():
    assert tool.rill("--version") == tool.rill("version") and tool.rill("version")[1].startswith("rill ")


def law_colours_only_where_they_are_wanted():
    with tempfile.TemporaryDirectory() as folder:
        tool.rill("context", "add", "a", env=tool.environment(XDG_CONFIG_HOME=folder))
        env = tool.environment(XDG_CONFIG_HOME=folder, TERM="xterm")
        assert "\033" not in tool.rill("context", "show", "a", env=env)[1]
        assert "\033[1m" in tool.rill("context", "show", "a", "--color", "always", env=env)[1]
        del env["NO_COLOR"]
        assert "\033[1m" in tool.on_terminal(["context", "show", "a"], env)
        assert "\033" not in tool.on_terminal(["context", "show", "a"], dict(env, NO_COLOR="1"))
        assert "\033" not in tool.on_terminal(["context", "show", "a"], dict(env, TERM="dumb"))


def law_contexts_are_kept_and_private():
    with tempfile.TemporaryDirectory() as folder:
        env = tool.environment(XDG_CONFIG_HOME=folder)

        def run(*words):
            return tool.rill("context", *words, env=env)

        assert run("ls")[1].startswith("There are no contexts")
        tool.refused(run("show"), tool.NOTHING, "no context is selected")
        assert run("add", "shop", "--server", "nats://a:1", "--user", "me", "--password", "s3cret", "--description", "the shop")[0] == 0
        assert run("add", "other", "--token", "t0ken", "--select")[0] == 0
        tool.refused(run("add", "shop"), tool.FAILED, "--replace")
        path = os.path.join(folder, "rill", "contexts", "shop.json")
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600 and stat.S_IMODE(os.stat(os.path.dirname(path)).st_mode) == 0o700
        assert run("ls", "--names")[1] == "other\nshop\n"
        rows = json.loads(run("ls", "--json")[1])
        assert [(row["name"], row["selected"]) for row in rows] == [("other", True), ("shop", False)] and "s3cret" not in str(rows)
        assert "s3cret" not in run("show", "shop")[1] and "s3cret" in run("show", "shop", "--secrets")[1]
        assert run("select", "shop")[0] == 0 and json.loads(run("show", "--json")[1])["server"] == "nats://a:1"
        tool.refused(run("select", "nobody"), tool.NOTHING, "rill context add nobody")
        tool.refused(run("rm", "shop"), tool.USAGE, "--force")
        assert run("rm", "shop", "--force")[0] == 0 and run("ls", "--names")[1] == "other\n" and run("show")[0] == tool.NOTHING


def law_a_context_says_where_to_connect():
    with tool.ToolServer('authorization { token: s3cret }') as server, tempfile.TemporaryDirectory() as folder:
        env = tool.environment(XDG_CONFIG_HOME=folder)
        made = tool.rill("context", "add", "here", "--server", f"nats://127.0.0.1:{server.port}", "--token", "s3cret", env=env)
        assert made[0] == 0
        assert tool.rill("rtt", "--context", "here", env=env)[0] == 0
        tool.refused(tool.rill("rtt", "--context", "there", env=env), tool.NOTHING, "there is no context there")
        assert tool.rill("context", "select", "here", env=env)[0] == 0 and tool.rill("rtt", env=env)[0] == 0
        elsewhere = dict(env, RILL_URL="nats://127.0.0.1:1")
        assert tool.rill("rtt", env=elsewhere)[0] == tool.NO_SERVER
        assert tool.rill("rtt", "--context", "here", env=elsewhere)[0] == 0
        assert tool.rill("rtt", env=dict(env, NATS_URL="nats://127.0.0.1:1"))[0] == tool.NO_SERVER


BASH = r"""
source <(rill completion bash)
complete_words() { COMP_WORDS=(rill "$@"); COMP_CWORD=$#; COMPREPLY=(); _rill; echo "${COMPREPLY[*]}"; }
"""


def in_bash(*words, env):
    line = BASH + "complete_words " + " ".join(f"'{word}'" for word in words)
    folder = os.path.dirname(os.path.abspath(shutil.which(tool.TOOL)))
    done = subprocess.run(["bash", "--norc", "-c", line], capture_output=True, check=False, timeout=60,
                          env=dict(env, PATH=folder + ":" + env["PATH"]))
    assert done.returncode == 0 and done.stderr == b"", done.stderr
    return done.stdout.decode().split()


def law_bash_completes():
    if not shutil.which("bash"):
        raise Skip("no bash")
    with tool.ToolServer() as server:
        env = server.environment()
        server.done("stream", "add", "ORDERS", "--subjects", "orders.>")
        assert in_bash("con", env=env)[0].startswith("con")
        assert in_bash("stream", "r", env=env) == ["report", "rmm", "rm"]
        assert in_bash("stream", "add", "--stor", env=env) == ["--storage"]
        assert in_bash("stream", "add", "--storage", "", env=env) == ["file", "memory"]
        assert in_bash("--server", "x", "stream", "add", "X", "--retention", "w", env=env) == ["workqueue"]
        assert in_bash("stream", "info", "", env=env) == ["ORDERS"]
        assert in_bash("completion", "z", env=env) == ["zsh"]
        for words in commands():
            assert "--json" in in_bash(*words, "--js", env=env), words


ZSH = r"""
_arguments() { print -rl -- "arguments" "$@" }
_describe() { print -r -- "describe" ${(P)2} }
compdef() { : }
source $1
words=(rill "${@[2,-1]}"); CURRENT=$#words
_rill
"""


def law_zsh_completes():
    if not shutil.which("zsh"):
        raise Skip("no zsh")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "_rill")
        with open(path, "w", encoding="utf-8") as file:
            file.write(tool.rill("completion", "zsh")[1])

        def in_zsh(*words):
            done = subprocess.run(["zsh", "-f", "-c", ZSH, "zsh", path, *words], capture_output=True, check=False, timeout=60)
            assert done.returncode == 0 and done.stderr == b"", done.stderr
            return done.stdout.decode()

        assert "stream:Streams" in in_zsh("")
        assert "report:" in in_zsh("stream", "")
        for words in commands():
            assert "--json[" in in_zsh(*words, ""), words
        assert "(file memory)" in in_zsh("--server", "x", "stream", "add", "")
        loaded = subprocess.run(["zsh", "-f", "-c", f"fpath=({folder} $fpath); autoload -Uz compinit; compinit -u -D; "
                                 "print ${_comps[rill]}"], capture_output=True, check=True, timeout=60)
        assert loaded.stdout.decode().strip() == "_rill", loaded.stderr


def law_the_manual_is_good_roff():
    page = tool.rill("manual")[1]
    assert page.count("\n.SS ") == len(commands()) and ".SH EXIT STATUS" in page
    if not shutil.which("groff"):
        raise Skip("no groff to read it")
    done = subprocess.run(["groff", "-man", "-ww", "-z"], input=page.encode(), capture_output=True, check=True, timeout=60)
    assert done.stderr == b"", done.stderr.decode()[:500]


def law_a_full_disk_is_told():
    if not os.path.exists("/dev/full"):
        raise Skip("no /dev/full")
    with open("/dev/full", "wb") as full:
        done = subprocess.run([tool.TOOL, "manual"], stdout=full, stderr=subprocess.PIPE, check=False, timeout=60)
    assert done.returncode == tool.FAILED and b"could not be written" in done.stderr, done


if __name__ == "__main__":
    run_laws(globals(), sys.argv[1:])
