// RUN: irc-opt %s -p convert-nd-to-linalg | filecheck %s

// CHECK-LABEL: @collapse
func.func @collapse(%x: tensor<?x3x4xf32, #nd.dims<"n">>) -> tensor<?x12xf32, #nd.dims<"n">> {
  // CHECK: tensor.collapse_shape %x
  // CHECK-NOT: tensor.expand_shape
  %y = nd.reshape %x : tensor<?x3x4xf32, #nd.dims<"n">> to tensor<?x12xf32, #nd.dims<"n">>
  func.return %y : tensor<?x12xf32, #nd.dims<"n">>
}

// CHECK-LABEL: @expand
func.func @expand(%x: tensor<?xf32, #nd.dims<"2*n">>) -> tensor<?x2xf32, #nd.dims<"n">> {
  // CHECK-NOT: tensor.collapse_shape
  // CHECK: tensor.expand_shape %x {{.*}} output_shape [%n, 2]
  %y = nd.reshape %x : tensor<?xf32, #nd.dims<"2*n">> to tensor<?x2xf32, #nd.dims<"n">>
  func.return %y : tensor<?x2xf32, #nd.dims<"n">>
}

// CHECK-LABEL: @other_factors
func.func @other_factors(%x: tensor<2x?xf32, #nd.dims<"n">>) -> tensor<?x2xf32, #nd.dims<"n">> {
  // CHECK: %[[FLAT:[0-9]+]] = tensor.collapse_shape %x
  // CHECK-SAME: into tensor<?xf32, #nd.dims<"2*n">>
  // CHECK: tensor.expand_shape %[[FLAT]]
  %y = nd.reshape %x : tensor<2x?xf32, #nd.dims<"n">> to tensor<?x2xf32, #nd.dims<"n">>
  func.return %y : tensor<?x2xf32, #nd.dims<"n">>
}

// CHECK-LABEL: @concat
func.func @concat(%x: tensor<?x2xf32, #nd.dims<"n">>, %y: tensor<3x2xf32>) -> tensor<?x2xf32, #nd.dims<"n + 3">> {
  // CHECK: %[[E:[0-9]+]] = tensor.empty(%{{[0-9]+}}) : tensor<?x2xf32, #nd.dims<"n + 3">>
  // CHECK: %[[A:[0-9]+]] = tensor.insert_slice %x into %[[E]][0, 0] [%n, 2] [1, 1]
  // CHECK: tensor.insert_slice %y into %[[A]][%n, 0] [3, 2] [1, 1]
  %z = nd.concat %x, %y axis = 0 : tensor<?x2xf32, #nd.dims<"n">>, tensor<3x2xf32> to tensor<?x2xf32, #nd.dims<"n + 3">>
  func.return %z : tensor<?x2xf32, #nd.dims<"n + 3">>
}

// A window walked backwards is turned round first: strides are positive below.
// CHECK-LABEL: @insert_backwards
func.func @insert_backwards(%x: tensor<6xf32>, %v: tensor<2xf32>) -> tensor<6xf32> {
  // CHECK: affine_map<(d0) -> (((d0 * -1) + 1))>
  // CHECK: tensor.insert_slice {{.*}} into %x[1] [2] [3]
  %y = nd.insert_slice %v into %x [] at <"4"> step [-3] : tensor<2xf32> into tensor<6xf32>
  func.return %y : tensor<6xf32>
}
