// Running functions, comparing passes, finding the pass that is wrong, and replaying.

// RUN: irc-opt %s --exec f --arg x=2xf32=3,4 | filecheck %s --check-prefix=EXEC
// RUN: irc-opt %s --to loops --exec f --arg x=2xf32=3,4 | filecheck %s --check-prefix=EXEC
// EXEC: = [12., 16.]
// RUN: irc-opt %s --exec f --arg x=2xf32:normal --seed 1 > %t.1
// RUN: irc-opt %s --exec f --arg x=2xf32:normal --seed 1 > %t.2 && diff %t.1 %t.2
// RUN: irc-opt %s --exec f --arg x=2xf32:normal --seed 2 > %t.3 && not diff %t.1 %t.3
// RUN: not irc-opt %s --exec g 2>&1 | filecheck %s --check-prefix=NOFUNCTION
// NOFUNCTION: error: the module has no function `g`
// RUN: not irc-opt %s --exec f --arg x=3xf32=1 2>&1 | filecheck %s --check-prefix=SHAPE
// SHAPE: error: argument `x` is f32[2], got shape [3]

// RUN: irc-opt %s --to loops --compare-exec -o /dev/null

// RUN: irc-opt %s -p nd-dce,nd-cse,nd-canonicalize --bisect-to 'grep -q %%z' | filecheck %s --check-prefix=BISECT
// BISECT: pass 2 of 3, `nd-cse`, is the first after which the command fails
// BISECT: replay: irc-opt 02_before_nd-cse.mlir -p 'nd-cse'
// RUN: not irc-opt %s -p nd-dce --bisect-to 'grep -q %%z' 2>&1 | filecheck %s --check-prefix=NEVER
// NEVER: error: the command succeeds after the last pass: there is nothing to find
// RUN: not irc-opt %s -p nd-cse --bisect-to 'grep -q nd.log' 2>&1 | filecheck %s --check-prefix=ALREADY
// ALREADY: error: the command fails on the input already, before any pass
// RUN: not irc-opt %s -p nd-cse --bisect-to no-such-program 2>&1 | filecheck %s --check-prefix=NOPROGRAM
// NOPROGRAM: error: cannot run `no-such-program`: there is no such program

// RUN: irc-opt %s --shrink 'grep -q nd.add' | filecheck %s --check-prefix=SHRINK
// SHRINK: func.func @f
// SHRINK-NEXT: nd.add
// SHRINK-NEXT: func.return

// RUN: irc-opt %s --nd-cse --reproducer %t.repro -o %t.direct
// RUN: filecheck %s --check-prefix=REPRO --input-file %t.repro
// REPRO: external_resources
// REPRO: pipeline: "builtin.module(nd-cse)"
// RUN: irc-opt --run-reproducer %t.repro -o %t.replayed && diff %t.direct %t.replayed
// RUN: not irc-opt --run-reproducer %s 2>&1 | filecheck %s --check-prefix=NOREPRO
// NOREPRO: names no pipeline: it is no reproducer

func.func @f(%x: tensor<2xf32>) -> tensor<2xf32> {
  %y = nd.add %x, %x : tensor<2xf32>
  %z = nd.add %x, %x : tensor<2xf32>
  %w = nd.add %y, %z : tensor<2xf32>
  func.return %w : tensor<2xf32>
}
