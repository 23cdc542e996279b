// --verify-diagnostics checks messages: each expected one is there, and no other error.

// RUN: irc-opt %s --split-input-file --verify-diagnostics
// RUN: not irc-opt %S/Inputs/unmet.mlir --split-input-file --verify-diagnostics 2>&1 | filecheck %s
// CHECK: error: {{.*}}unmet.mlir:2: expected error at line 3 "something else" was not produced
// CHECK-NEXT: {{.*}}unmet.mlir:3: unexpected error "nd.concat: concat (C2): axis 1 is outside rank 1"

func.func @wrong_axis(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error@+1 {{concat (C2): axis 1 is outside}}
  %y = nd.concat %x axis = 1 : tensor<4xf32> to tensor<4xf32>
  func.return %y : tensor<4xf32>
}

// -----

func.func @undefined(%x: tensor<4xf32>) -> tensor<4xf32> {
  func.return %y : tensor<4xf32> // expected-error {{%y is used and never defined}}
}

// -----

func.func @clash(%x: tensor<4xf32>) -> tensor<4xf32> { // expected-note {{defined here}}
  // expected-error@below {{%x has type tensor<4xf32>, it is used as tensor<3xf32>}}
  func.return %x : tensor<3xf32>
}

// -----

func.func @right(%x: tensor<4xf32>) -> tensor<4xf32> {
  func.return %x : tensor<4xf32>
}
