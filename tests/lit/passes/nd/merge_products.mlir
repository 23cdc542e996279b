// RUN: irc-opt %s -p nd-merge-products | filecheck %s

// CHECK-LABEL: @gates
func.func @gates(%wi: tensor<4x4xf32>, %wf: tensor<2x4xf32>, %h0: tensor<1x4xf32>) -> (tensor<1x4xf32>, tensor<?x2xf32, #nd.dims<"T">>) {
  // CHECK-NEXT: %[[w:.*]] = nd.concat %wi, %wf axis = 0
  // CHECK-NEXT: nd.scan
  %h, %f = nd.scan "T" from (%h0[1]) : (tensor<1x4xf32>) -> (tensor<1x4xf32>, tensor<?x2xf32, #nd.dims<"T">>) {
  ^bb0(%t: tensor<i64>, %h1: tensor<4xf32>):
    // CHECK: %[[p:.*]] = nd.dot %[[w]], %h1 batch [], [] contract [1], [0]
    // CHECK-NEXT: %i = nd.slice %[[p]][] at <"0">
    // CHECK-NEXT: %f_1 = nd.slice %[[p]][] at <"4">
    %i = nd.dot %wi, %h1 batch [], [] contract [1], [0] : tensor<4x4xf32>, tensor<4xf32> to tensor<4xf32>
    %f = nd.dot %wf, %h1 batch [], [] contract [1], [0] : tensor<2x4xf32>, tensor<4xf32> to tensor<2xf32>
    nd.yield %i, %f : tensor<4xf32>, tensor<2xf32>
  }
  func.return %h, %f : tensor<1x4xf32>, tensor<?x2xf32, #nd.dims<"T">>
}

// Rows of a batch, weights on the right: parts stand side by side behind the rows.
// CHECK-LABEL: @gates_of_a_batch
func.func @gates_of_a_batch(%wi: tensor<4x4xf32>, %wf: tensor<4x3xf32>, %h0: tensor<1x7x4xf32>) -> (tensor<1x7x4xf32>, tensor<9x7x3xf32>) {
  // CHECK-NEXT: %[[w:.*]] = nd.concat %wi, %wf axis = 1
  %h, %f = nd.scan "9" from (%h0[1]) : (tensor<1x7x4xf32>) -> (tensor<1x7x4xf32>, tensor<9x7x3xf32>) {
  ^bb0(%t: tensor<i64>, %h1: tensor<7x4xf32>):
    // CHECK: %[[p:.*]] = nd.dot %h1, %[[w]] batch [], [] contract [1], [0]
    // CHECK-NEXT: nd.slice %[[p]][] at <"0", "0">
    // CHECK-NEXT: nd.slice %[[p]][] at <"0", "4">
    %i = nd.dot %h1, %wi batch [], [] contract [1], [0] : tensor<7x4xf32>, tensor<4x4xf32> to tensor<7x4xf32>
    %f = nd.dot %h1, %wf batch [], [] contract [1], [0] : tensor<7x4xf32>, tensor<4x3xf32> to tensor<7x3xf32>
    nd.yield %i, %f : tensor<7x4xf32>, tensor<7x3xf32>
  }
  func.return %h, %f : tensor<1x7x4xf32>, tensor<9x7x3xf32>
}

// CHECK-LABEL: @large_products
func.func @large_products(%w: tensor<64x64xf32>, %v: tensor<64x64xf32>, %h0: tensor<1x64xf32>) -> tensor<1x64xf32> {
  // CHECK-NOT: nd.concat
  %h = nd.scan "T" from (%h0[1]) : (tensor<1x64xf32>) -> (tensor<1x64xf32>) {
  ^bb0(%t: tensor<i64>, %h1: tensor<64xf32>):
    %i = nd.dot %w, %h1 batch [], [] contract [1], [0] : tensor<64x64xf32>, tensor<64xf32> to tensor<64xf32>
    %f = nd.dot %v, %h1 batch [], [] contract [1], [0] : tensor<64x64xf32>, tensor<64xf32> to tensor<64xf32>
    %a = nd.mul %f, %i : tensor<64xf32>
    nd.yield %a : tensor<64xf32>
  }
  func.return %h : tensor<1x64xf32>
}

// CHECK-LABEL: @what_stays_apart
func.func @what_stays_apart(%w: tensor<4x4xf32>, %v: tensor<4x4xf32>, %x: tensor<4xf32>, %h0: tensor<1x4xf32>) -> (tensor<1x4xf32>, tensor<1x4xf32>, tensor<4xf32>, tensor<4xf32>) {
  // CHECK-NOT: nd.concat
  // Other axes, another value, outside of a loop, few steps.
  %h, %g = nd.scan "T" from (%h0[1], %h0[1]) : (tensor<1x4xf32>, tensor<1x4xf32>) -> (tensor<1x4xf32>, tensor<1x4xf32>) {
  ^bb0(%t: tensor<i64>, %h1: tensor<4xf32>, %g1: tensor<4xf32>):
    %i = nd.dot %w, %h1 batch [], [] contract [1], [0] : tensor<4x4xf32>, tensor<4xf32> to tensor<4xf32>
    %f = nd.dot %v, %h1 batch [], [] contract [0], [0] : tensor<4x4xf32>, tensor<4xf32> to tensor<4xf32>
    %e = nd.dot %v, %g1 batch [], [] contract [1], [0] : tensor<4x4xf32>, tensor<4xf32> to tensor<4xf32>
    %a = nd.add %f, %e : tensor<4xf32>
    nd.yield %i, %a : tensor<4xf32>, tensor<4xf32>
  }
  %y = nd.dot %w, %x batch [], [] contract [1], [0] : tensor<4x4xf32>, tensor<4xf32> to tensor<4xf32>
  %z = nd.dot %v, %x batch [], [] contract [1], [0] : tensor<4x4xf32>, tensor<4xf32> to tensor<4xf32>
  %k, %l = nd.scan "3" from (%h0[1], %h0[1]) : (tensor<1x4xf32>, tensor<1x4xf32>) -> (tensor<1x4xf32>, tensor<1x4xf32>) {
  ^bb0(%t: tensor<i64>, %h1: tensor<4xf32>, %g1: tensor<4xf32>):
    %i = nd.dot %w, %h1 batch [], [] contract [1], [0] : tensor<4x4xf32>, tensor<4xf32> to tensor<4xf32>
    %f = nd.dot %v, %h1 batch [], [] contract [1], [0] : tensor<4x4xf32>, tensor<4xf32> to tensor<4xf32>
    %a = nd.add %f, %g1 : tensor<4xf32>
    nd.yield %i, %a : tensor<4xf32>, tensor<4xf32>
  }
  %m = nd.add %h, %k : tensor<1x4xf32>
  %n = nd.add %g, %l : tensor<1x4xf32>
  func.return %m, %n, %y, %z : tensor<1x4xf32>, tensor<1x4xf32>, tensor<4xf32>, tensor<4xf32>
}
