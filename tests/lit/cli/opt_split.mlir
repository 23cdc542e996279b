// Several modules in one file; a wrong one does not hide the others.

// RUN: irc-opt %s --split-input-file --nd-cse | filecheck %s
// RUN: not irc-opt %s --split-input-file -p nd-nothing 2>&1 | filecheck %s --check-prefix=NOTHING
// CHECK-LABEL: @first
// CHECK: nd.add %y, %y
// CHECK: // -----
// CHECK-LABEL: @second
// NOTHING: unknown pass

func.func @first(%x: tensor<2xf32>) -> tensor<2xf32> {
  %y = nd.exp %x : tensor<2xf32>
  %z = nd.exp %x : tensor<2xf32>
  %w = nd.add %y, %z : tensor<2xf32>
  func.return %w : tensor<2xf32>
}

// -----

func.func @second(%x: tensor<2xf32>) -> tensor<2xf32> {
  func.return %x : tensor<2xf32>
}
