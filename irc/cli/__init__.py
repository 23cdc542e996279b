"""The commands: irc-compile, irc-opt, irc-run."""
