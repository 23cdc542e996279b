// RUN: irc-opt %s -p convert-nd-to-linalg | filecheck %s

// CHECK-LABEL: @float_sum_is_ordered
func.func @float_sum_is_ordered(%x: tensor<?x3xf32, #nd.dims<"n">>) -> tensor<3xf32> {
  // CHECK: arith.constant 0.000000e+00 : f32
  // CHECK: iterator_types = ["reduction", "parallel"]
  // CHECK-SAME: irc.ordered
  // CHECK: arith.addf
  %s = nd.sum %x axes = [0] : tensor<?x3xf32, #nd.dims<"n">> to tensor<3xf32>
  func.return %s : tensor<3xf32>
}

// CHECK-LABEL: @integer_sum_is_not
// CHECK-NOT: irc.ordered
func.func @integer_sum_is_not(%x: tensor<5xi32>) -> tensor<i32> {
  %s = nd.sum %x axes = [0] : tensor<5xi32> to tensor<i32>
  func.return %s : tensor<i32>
}

// CHECK-LABEL: @half_sum_is_kept_in_f32
func.func @half_sum_is_kept_in_f32(%x: tensor<5xbf16>) -> tensor<bf16> {
  // CHECK: tensor.empty() : tensor<f32>
  // CHECK: arith.extf {{.*}} : bf16 to f32
  // CHECK-NEXT: arith.addf
  // CHECK: arith.truncf {{.*}} : f32 to bf16
  %s = nd.sum %x axes = [0] : tensor<5xbf16> to tensor<bf16>
  func.return %s : tensor<bf16>
}

// CHECK-LABEL: @maximum_of_nothing_fails
func.func @maximum_of_nothing_fails(%x: tensor<?xf32, #nd.dims<"n">>) -> tensor<f32> {
  // CHECK: %[[OK:[0-9]+]] = arith.cmpi ne, %n, %{{[0-9]+}} : index
  // CHECK: rt.assert %[[OK]] : i1, "shape", "max of no elements"
  %m = nd.max %x axes = [0] : tensor<?xf32, #nd.dims<"n">> to tensor<f32>
  func.return %m : tensor<f32>
}

// CHECK-LABEL: @maximum_of_something_needs_no_check
// CHECK-NOT: rt.assert
func.func @maximum_of_something_needs_no_check(%x: tensor<?xf32, #nd.dims<"n + 1">>) -> tensor<f32> {
  %m = nd.max %x axes = [0] : tensor<?xf32, #nd.dims<"n + 1">> to tensor<f32>
  func.return %m : tensor<f32>
}

// CHECK-LABEL: @argmax
func.func @argmax(%x: tensor<4x5xf32>) -> tensor<4xi32> {
  // CHECK: arith.cmpf ogt
  // CHECK: arith.cmpf uno
  // CHECK: linalg.index 1
  // CHECK: linalg.yield {{.*}} : f32, i32
  %i = nd.argmax %x axis = 1 : tensor<4x5xf32> to tensor<4xi32>
  func.return %i : tensor<4xi32>
}

// Loops: free axes of the left, free axes of the right, contracted ones.
// CHECK-LABEL: @contraction
func.func @contraction(%x: tensor<?x3xf32, #nd.dims<"n">>, %w: tensor<4x3xf32>) -> tensor<?x4xf32, #nd.dims<"n">> {
  // CHECK: affine_map<(d0, d1, d2) -> (d0, d2)>, affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1)>
  // CHECK-SAME: iterator_types = ["parallel", "parallel", "reduction"]
  // CHECK-SAME: irc.contraction
  %y = nd.dot %x, %w batch [], [] contract [1], [1] : tensor<?x3xf32, #nd.dims<"n">>, tensor<4x3xf32> to tensor<?x4xf32, #nd.dims<"n">>
  func.return %y : tensor<?x4xf32, #nd.dims<"n">>
}
