// RUN: irc-opt %s | irc-opt | filecheck %s

// Taps of sequences count forward, those of states back; only the first state keeps its history.
// CHECK-LABEL: @recurrence
func.func @recurrence(%u: tensor<?x3xf64, #nd.dims<"T + 4">>, %x0: tensor<3x2xf64>, %w: tensor<2x3xf64>, %z: tensor<1x2xf64>) -> (tensor<?x2xf64, #nd.dims<"T + 3">>, tensor<?x2xf64, #nd.dims<"T">>, tensor<1x2xf64>) {
  // CHECK: nd.scan "T" truncate "5" over (%u[0, 4]) from (history %x0[1, 3], %z[1]) : (
  // CHECK-NEXT: ^bb0(%t: tensor<i64>, %u0: tensor<3xf64>, %u4: tensor<3xf64>, %x1: tensor<2xf64>, %x3: tensor<2xf64>, %s1: tensor<2xf64>):
  %x, %s, %y = nd.scan "T" truncate "5" over (%u[0, 4]) from (history %x0[1, 3], %z[1]) : (tensor<?x3xf64, #nd.dims<"T + 4">>, tensor<3x2xf64>, tensor<1x2xf64>) -> (tensor<?x2xf64, #nd.dims<"T + 3">>, tensor<1x2xf64>, tensor<?x2xf64, #nd.dims<"T">>) {
  ^bb0(%t: tensor<i64>, %u0: tensor<3xf64>, %u4: tensor<3xf64>, %x1: tensor<2xf64>, %x3: tensor<2xf64>, %s1: tensor<2xf64>):
    %a = nd.dot %w, %u4 batch [], [] contract [1], [0] : tensor<2x3xf64>, tensor<3xf64> to tensor<2xf64>
    %b = nd.add %a, %x3 : tensor<2xf64>
    %c = nd.tanh %b : tensor<2xf64>
    %d = nd.add %s1, %c : tensor<2xf64>
    nd.yield %c, %d, %x1 : tensor<2xf64>, tensor<2xf64>, tensor<2xf64>
  }
  func.return %x, %y, %s : tensor<?x2xf64, #nd.dims<"T + 3">>, tensor<?x2xf64, #nd.dims<"T">>, tensor<1x2xf64>
}

// A map, backwards, that may end early.
// CHECK-LABEL: @doubled
func.func @doubled(%u: tensor<7xf32>) -> tensor<7xf32> {
  // CHECK: nd.scan "7" reverse until over (%u[0]) : (tensor<7xf32>) -> (tensor<7xf32>) {
  %y = nd.scan "7" reverse until over (%u[0]) : (tensor<7xf32>) -> (tensor<7xf32>) {
  ^bb0(%t: tensor<i64>, %u0: tensor<f32>):
    %d = nd.add %u0, %u0 : tensor<f32>
    %stop = nd.gt %d, %u0 : tensor<f32>
    nd.yield %d, %stop : tensor<f32>, tensor<i1>
  }
  func.return %y : tensor<7xf32>
}

// CHECK-LABEL: @root
func.func @root(%x: tensor<f64>) -> tensor<f64> {
  %eps = nd.full 1.0e-12 : f64 : tensor<f64>
  %half = nd.full 0.5 : f64 : tensor<f64>
  // CHECK: nd.while limit <"100"> %x : tensor<f64> while {
  %r = nd.while limit <"100"> %x : tensor<f64> while {
  ^bb0(%y: tensor<f64>):
    %d = nd.mul %y, %y : tensor<f64>
    %e = nd.sub %d, %x : tensor<f64>
    %c = nd.gt %e, %eps : tensor<f64>
    nd.yield %c : tensor<i1>
  // CHECK: } do {
  } do {
  ^bb0(%y: tensor<f64>):
    %q = nd.div %x, %y : tensor<f64>
    %s = nd.add %y, %q : tensor<f64>
    %n = nd.mul %s, %half : tensor<f64>
    nd.yield %n : tensor<f64>
  } -> tensor<f64>
  func.return %r : tensor<f64>
}

// CHECK-LABEL: @flags
func.func @flags(%u: tensor<7xf32>) -> tensor<7xf32> {
  // CHECK: nd.scan "7" reverse until checkpoint recompute truncate "2" over (%u[0])
  %y = nd.scan "7" reverse until checkpoint recompute truncate "2" over (%u[0]) : (tensor<7xf32>) -> (tensor<7xf32>) {
  ^bb0(%t: tensor<i64>, %u0: tensor<f32>):
    %stop = nd.gt %u0, %u0 : tensor<f32>
    nd.yield %u0, %stop : tensor<f32>, tensor<i1>
  }
  func.return %y : tensor<7xf32>
}
