"""
The commands: irc-compile, irc-opt, irc-run.

common.py        exit codes, messages and files: what the three share
flags.py         click, with help in sections
compile.py       irc-compile: compile_flags.py, then compile_session.py does the work
opt.py           irc-opt: opt_flags.py, opt_request.py, then opt_session.py
run.py           irc-run: its flags, then run_session.py
defines.py       values of flags that need reading
lints.py         which warnings are shown, and which are errors
watch.py         the IR between passes; reports.py: times, counts, memory, remarks
progress.py      one line on a terminal for what takes long
listing.py       what there is: passes, dialects, ops; version.py: what a bug report needs
execute.py       --exec; bisect.py: --bisect-to, --shrink
expectations.py  --verify-diagnostics
testing.py       --test; bench.py: --bench
"""
