// RUN: irc-opt %s -p convert-nd-to-linalg | filecheck %s

// The recurrence stays; its time is an index, its body is of the level below.
// CHECK-LABEL: @recurrence
func.func @recurrence(%u: tensor<?xf32, #nd.dims<"T">>, %x0: tensor<1xf32>) -> tensor<?xf32, #nd.dims<"T + 1">> {
  // CHECK: nd.scan "T" over (%u[0]) from (history %x0[1])
  // CHECK-NEXT: ^bb0(%t: index, %u0: tensor<f32>, %x1: tensor<f32>):
  %x = nd.scan "T" over (%u[0]) from (history %x0[1]) : (tensor<?xf32, #nd.dims<"T">>, tensor<1xf32>) -> (tensor<?xf32, #nd.dims<"T + 1">>) {
  ^bb0(%t: tensor<i64>, %u0: tensor<f32>, %x1: tensor<f32>):
    // CHECK: linalg.generic
    // CHECK: arith.addf
    %a = nd.add %u0, %x1 : tensor<f32>
    // CHECK: nd.yield
    nd.yield %a : tensor<f32>
  }
  func.return %x : tensor<?xf32, #nd.dims<"T + 1">>
}

// Rows of a reversed sequence are rows of what was reversed.
// CHECK-LABEL: @backwards
func.func @backwards(%u: tensor<?x3xf32, #nd.dims<"T">>) -> tensor<?x3xf32, #nd.dims<"T">> {
  %r = nd.slice %u[] at <"T - 1", "0"> step [-1, 1] : tensor<?x3xf32, #nd.dims<"T">> to tensor<?x3xf32, #nd.dims<"T">>
  // CHECK: nd.scan "T" : () ->
  // CHECK-NEXT: ^bb0(%t: index):
  %y = nd.scan "T" over (%r[0]) : (tensor<?x3xf32, #nd.dims<"T">>) -> (tensor<?x3xf32, #nd.dims<"T">>) {
  ^bb0(%t: tensor<i64>, %r0: tensor<3xf32>):
    // CHECK: [[row:%.*]] = arith.subi {{%.*}}, %t
    // CHECK: tensor.extract_slice %u{{\[}}[[row]], 0] [1, 3] [1, 1] : {{.*}} to tensor<3xf32>
    %a = nd.exp %r0 : tensor<3xf32>
    nd.yield %a : tensor<3xf32>
  }
  func.return %y : tensor<?x3xf32, #nd.dims<"T">>
}

// A constant array from outside is filled once, before the loop.
// CHECK-LABEL: @constant_outside
func.func @constant_outside(%x0: tensor<1x3xf32>) -> tensor<1x3xf32> {
  %w = nd.full 2.0 : f32 : tensor<3x3xf32>
  // CHECK: linalg.yield {{%.*}} : f32
  // CHECK: nd.scan
  %x = nd.scan "5" from (%x0[1]) : (tensor<1x3xf32>) -> (tensor<1x3xf32>) {
  ^bb0(%t: tensor<i64>, %x1: tensor<3xf32>):
    %y = nd.dot %w, %x1 batch [], [] contract [1], [0] : tensor<3x3xf32>, tensor<3xf32> to tensor<3xf32>
    nd.yield %y : tensor<3xf32>
  }
  func.return %x : tensor<1x3xf32>
}

// CHECK-LABEL: @search
func.func @search(%x: tensor<f64>) -> tensor<f64> {
  %eps = nd.full 1.0e-12 : f64 : tensor<f64>
  // CHECK: nd.while limit <"100"> %x : tensor<f64> while {
  %r = nd.while limit <"100"> %x : tensor<f64> while {
  ^bb0(%y: tensor<f64>):
    // CHECK: arith.cmpf
    %c = nd.gt %y, %eps : tensor<f64>
    // CHECK: nd.yield {{%.*}} : tensor<i1>
    nd.yield %c : tensor<i1>
  } do {
  ^bb0(%y: tensor<f64>):
    // CHECK: arith.mulf
    %h = nd.mul %y, %y : tensor<f64>
    // CHECK: nd.yield {{%.*}} : tensor<f64>
    nd.yield %h : tensor<f64>
  } -> tensor<f64>
  func.return %r : tensor<f64>
}

// A history that is read only where steps made it is an output.
// CHECK-LABEL: @history
func.func @history(%x0: tensor<2xf32>) -> (tensor<?xf32, #nd.dims<"T">>, tensor<?xf32, #nd.dims<"T - 1">>) {
  // CHECK: [[x:%.*]], [[y:%.*]] = nd.scan "T" from (%x0[1])
  %x = nd.scan "T" from (history %x0[1]) : (tensor<2xf32>) -> (tensor<?xf32, #nd.dims<"T + 2">>) {
  ^bb0(%t: tensor<i64>, %x1: tensor<f32>):
    %a = nd.exp %x1 : tensor<f32>
    // CHECK: nd.yield [[a:%.*]], [[a]] : tensor<f32>, tensor<f32>
    nd.yield %a : tensor<f32>
  }
  %all = nd.slice %x[] at <"2"> step [1] : tensor<?xf32, #nd.dims<"T + 2">> to tensor<?xf32, #nd.dims<"T">>
  // CHECK: (d0 + 1)
  %rest = nd.slice %x[] at <"3"> step [1] : tensor<?xf32, #nd.dims<"T + 2">> to tensor<?xf32, #nd.dims<"T - 1">>
  // CHECK: func.return [[y]]
  func.return %all, %rest : tensor<?xf32, #nd.dims<"T">>, tensor<?xf32, #nd.dims<"T - 1">>
}

// One that is read from the beginning stays.
// CHECK-LABEL: @history_is_kept
func.func @history_is_kept(%x0: tensor<2xf32>) -> tensor<?xf32, #nd.dims<"T">> {
  // CHECK: nd.scan "T" from (history %x0[1])
  %x = nd.scan "T" from (history %x0[1]) : (tensor<2xf32>) -> (tensor<?xf32, #nd.dims<"T + 2">>) {
  ^bb0(%t: tensor<i64>, %x1: tensor<f32>):
    %a = nd.exp %x1 : tensor<f32>
    nd.yield %a : tensor<f32>
  }
  %all = nd.slice %x[] at <"1"> step [1] : tensor<?xf32, #nd.dims<"T + 2">> to tensor<?xf32, #nd.dims<"T">>
  func.return %all : tensor<?xf32, #nd.dims<"T">>
}
