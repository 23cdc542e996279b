// Forms of the result, and what is accepted as input.

// RUN: irc-opt %s -t generic | filecheck %s --check-prefix=GENERIC
// RUN: irc-opt %s -t generic | irc-opt | filecheck %s --check-prefix=MLIR
// RUN: irc-opt %s -t mlir | filecheck %s --check-prefix=MLIR
// GENERIC: %y = "nd.exp"(%x) : (tensor<2xf32>) -> tensor<2xf32>
// MLIR: %y = nd.exp %x : tensor<2xf32>

// RUN: irc-opt %s -t dot | filecheck %s --check-prefix=DOT
// DOT: digraph module {
// DOT: label="@f"
// DOT: [label="%y = nd.exp\ntensor<2xf32>", tooltip="{{.*}}opt_forms.mlir:
// DOT: n0 -> n1;

// RUN: irc-opt %s --to loops -t c | filecheck %s --check-prefix=C
// C: static int32_t k_f(

// RUN: irc-opt %s --print-debuginfo | filecheck %s --check-prefix=LOC
// LOC: %y = nd.exp %x : tensor<2xf32> loc("{{.*}}opt_forms.mlir":{{[0-9]+}}:3)
// RUN: irc-opt %s --no-names | filecheck %s --check-prefix=NAMELESS
// NAMELESS: %1 = nd.exp %0
// RUN: irc-opt %s --to loops --verify-roundtrip -o /dev/null

// RUN: not irc-opt %S/Inputs/unknown.mlir 2>&1 | filecheck %s --check-prefix=REFUSED
// REFUSED: error[E0801]: no operation is called nope.op
// RUN: irc-opt %S/Inputs/unknown.mlir --allow-unregistered-dialect | filecheck %s --check-prefix=ACCEPTED
// ACCEPTED: "nope.op"() : () -> ()

// RUN: cat %S/Inputs/small.irc | irc-opt -x irc - -D K=3 --to nd | filecheck %s --check-prefix=IRC
// RUN: irc-opt %S/Inputs/small.irc -D K=3 | filecheck %s --check-prefix=IRC
// IRC: func.func @f(%x: tensor<3xf32>)

// RUN: not irc-opt %s -o %t.missing/x.mlir 2>&1 | filecheck %s --check-prefix=UNWRITABLE
// UNWRITABLE: error: cannot write `{{.*}}x.mlir`: No such file or directory
// RUN: not irc-opt missing.mlir 2>&1 | filecheck %s --check-prefix=MISSING
// MISSING: error[E0104]: cannot open `missing.mlir`: No such file or directory
// RUN: not irc-opt %S 2>&1 | filecheck %s --check-prefix=FOLDER
// FOLDER: is not a regular file

func.func @f(%x: tensor<2xf32>) -> tensor<2xf32> {
  %y = nd.exp %x : tensor<2xf32>
  func.return %y : tensor<2xf32>
}
