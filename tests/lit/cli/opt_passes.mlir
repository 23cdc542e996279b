// Passes by -p, by flag, by stage; in order; with options.

// RUN: irc-opt %s -p nd-cse | filecheck %s --check-prefix=CSE
// RUN: irc-opt %s --nd-cse | filecheck %s --check-prefix=CSE
// RUN: irc-opt %s --pass-pipeline 'builtin.module(func.func(nd-cse))' | filecheck %s --check-prefix=CSE
// RUN: cat %s | irc-opt --nd-cse | filecheck %s --check-prefix=CSE
// RUN: cat %s | irc-opt - --nd-cse -o - | filecheck %s --check-prefix=CSE
// RUN: irc-opt %s --nd-cse -o %t && filecheck %s --check-prefix=CSE --input-file %t
// RUN: irc-opt %s -p cse | filecheck %s --check-prefix=CSE
// CSE: %y = nd.exp %x
// CSE-NEXT: nd.add %y, %y

// RUN: irc-opt %s | filecheck %s --check-prefix=NONE
// NONE: %y = nd.exp %x
// NONE-NEXT: %z = nd.exp %x

// RUN: irc-opt %s --to linalg -O0 | filecheck %s --check-prefix=LINALG
// RUN: irc-opt %s --to nd > %t.nd
// RUN: irc-opt %t.nd --from nd --to linalg -O0 | filecheck %s --check-prefix=LINALG
// LINALG: func.func @f(%n: index, %x: tensor<?x4xf32
// LINALG: linalg.generic

// RUN: irc-opt %s --to loops --cpu cpu:x86-64 --dump-pipeline | filecheck %s --check-prefix=PIPELINE
// PIPELINE: nd-expand-grad,nd-expand-convolutions,nd-canonicalize{{.*}}convert-nd-to-linalg{{.*}}bufferize
// PIPELINE-SAME: convert-linalg-to-loops{target=cpu:x86-64 threads=0

// RUN: irc-opt %s --nd-fold-constants=limit=64 --dump-pipeline | filecheck %s --check-prefix=WITH
// WITH: nd-fold-constants{limit=64}
// RUN: irc-opt %s --to nd --check none --dump-pipeline | filecheck %s --check-prefix=CHECKS
// CHECKS: nd-drop-checks,
// RUN: irc-opt %s --to nd --check nan --dump-pipeline | filecheck %s --check-prefix=NAN
// NAN: nd-check-nan

// RUN: not irc-opt %s -p nd-csee 2>&1 | filecheck %s --check-prefix=UNKNOWN
// UNKNOWN: error: unknown pass `nd-csee`; did you mean `nd-cse`?
// RUN: not irc-opt %s --nd-csee 2>&1 | filecheck %s --check-prefix=FLAG
// FLAG: error: there is no flag --nd-csee; did you mean --nd-cse?
// FLAG-NEXT: = help: `irc-opt --help` lists the flags
// RUN: not irc-opt %s --to lops 2>&1 | filecheck %s --check-prefix=STAGE
// STAGE: error: unknown stage `lops`; did you mean `loops`?
// RUN: not irc-opt %s -p 'nd-cse{x=1}' 2>&1 | filecheck %s --check-prefix=OPTION
// OPTION: error: unknown option of nd-cse `x`

func.func @f(%x: tensor<?x4xf32, #nd.dims<"n">>) -> tensor<?x4xf32, #nd.dims<"n">> {
  %y = nd.exp %x : tensor<?x4xf32, #nd.dims<"n">>
  %z = nd.exp %x : tensor<?x4xf32, #nd.dims<"n">>
  %w = nd.add %y, %z : tensor<?x4xf32, #nd.dims<"n">>
  func.return %w : tensor<?x4xf32, #nd.dims<"n">>
}
