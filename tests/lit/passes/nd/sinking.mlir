// RUN: irc-opt %s -p nd-canonicalize | filecheck %s

// CHECK-LABEL: @function_of_broadcast
func.func @function_of_broadcast(%x: tensor<3xf32>) -> (tensor<2x3xf32>, tensor<2x3xf64>) {
  %a = nd.broadcast %x dims = [1] : tensor<3xf32> to tensor<2x3xf32>
  // CHECK-NEXT: [[E:%.*]] = nd.exp %x : tensor<3xf32>
  // CHECK-NEXT: nd.broadcast [[E]] dims = [1]
  %b = nd.exp %a : tensor<2x3xf32>
  // CHECK-NEXT: [[C:%.*]] = nd.cast %x
  // CHECK-NEXT: nd.broadcast [[C]] dims = [1]
  %c = nd.cast %a : tensor<2x3xf32> to tensor<2x3xf64>
  func.return %b, %c : tensor<2x3xf32>, tensor<2x3xf64>
}

// CHECK-LABEL: @function_of_broadcasts
func.func @function_of_broadcasts(%x: tensor<3xf32>, %y: tensor<3xf32>) -> (tensor<2x3xf32>, tensor<2x3xf32>) {
  %a = nd.broadcast %x dims = [1] : tensor<3xf32> to tensor<2x3xf32>
  %b = nd.broadcast %y dims = [1] : tensor<3xf32> to tensor<2x3xf32>
  // CHECK-NEXT: [[S:%.*]] = nd.add %x, %y : tensor<3xf32>
  // CHECK-NEXT: nd.broadcast [[S]] dims = [1]
  %c = nd.add %a, %b : tensor<2x3xf32>
  %t = nd.full 3.0 : f32 : tensor<2x3xf32>
  // CHECK-NEXT: [[T:%.*]] = nd.full 3.{{0+}}e+00 : f32 : tensor<3xf32>
  // CHECK-NEXT: [[P:%.*]] = nd.mul %x, [[T]] : tensor<3xf32>
  // CHECK-NEXT: nd.broadcast [[P]] dims = [1]
  %d = nd.mul %a, %t : tensor<2x3xf32>
  func.return %c, %d : tensor<2x3xf32>, tensor<2x3xf32>
}

// CHECK-LABEL: @an_outer_sum_is_kept
func.func @an_outer_sum_is_kept(%x: tensor<3xf32>) -> tensor<3x3xf32> {
  // CHECK-NEXT: %a = nd.broadcast
  %a = nd.broadcast %x dims = [1] : tensor<3xf32> to tensor<3x3xf32>
  // CHECK-NEXT: %b = nd.broadcast
  %b = nd.broadcast %x dims = [0] : tensor<3xf32> to tensor<3x3xf32>
  // CHECK-NEXT: nd.add %a, %b
  %c = nd.add %a, %b : tensor<3x3xf32>
  func.return %c : tensor<3x3xf32>
}

// CHECK-LABEL: @where_of_broadcasts
func.func @where_of_broadcasts(%p: tensor<3xi1>, %x: tensor<3xf32>) -> tensor<2x3xf32> {
  %a = nd.broadcast %p dims = [1] : tensor<3xi1> to tensor<2x3xi1>
  %b = nd.broadcast %x dims = [1] : tensor<3xf32> to tensor<2x3xf32>
  %z = nd.full 0.0 : f32 : tensor<2x3xf32>
  // CHECK: [[W:%.*]] = nd.where %p, %x, {{.*}} : tensor<3xi1>, tensor<3xf32>
  // CHECK-NEXT: nd.broadcast [[W]] dims = [1]
  %c = nd.where %a, %b, %z : tensor<2x3xi1>, tensor<2x3xf32>
  func.return %c : tensor<2x3xf32>
}

// CHECK-LABEL: @function_of_reshape
func.func @function_of_reshape(%x: tensor<6xf32>) -> (tensor<2x3xf32>, tensor<2x3xi32>) {
  %a = nd.reshape %x : tensor<6xf32> to tensor<2x3xf32>
  // CHECK-NEXT: [[E:%.*]] = nd.exp %x : tensor<6xf32>
  // CHECK-NEXT: nd.reshape [[E]]
  %b = nd.exp %a : tensor<2x3xf32>
  // CHECK-NEXT: [[C:%.*]] = nd.cast %x
  // CHECK-NEXT: nd.reshape [[C]]
  %c = nd.cast %a : tensor<2x3xf32> to tensor<2x3xi32>
  func.return %b, %c : tensor<2x3xf32>, tensor<2x3xi32>
}

// CHECK-LABEL: @function_of_reshapes
func.func @function_of_reshapes(%x: tensor<6xf32>, %y: tensor<6xf32>) -> (tensor<6xf32>, tensor<6xf32>) {
  %a = nd.reshape %x : tensor<6xf32> to tensor<2x3xf32>
  %b = nd.reshape %y : tensor<6xf32> to tensor<2x3xf32>
  // CHECK: nd.div %x, %y : tensor<6xf32>
  %c = nd.div %a, %b : tensor<2x3xf32>
  %d = nd.reshape %c : tensor<2x3xf32> to tensor<6xf32>
  %two = nd.full 2.0 : f32 : tensor<2x3xf32>
  %p = nd.gt %a, %two : tensor<2x3xf32>
  // CHECK: [[P:%.*]] = nd.gt %x, {{.*}} : tensor<6xf32>
  // CHECK-NEXT: nd.where [[P]], %x, %y : tensor<6xi1>, tensor<6xf32>
  %e = nd.where %p, %a, %b : tensor<2x3xi1>, tensor<2x3xf32>
  %f = nd.reshape %e : tensor<2x3xf32> to tensor<6xf32>
  // CHECK-NOT: nd.reshape
  func.return %d, %f : tensor<6xf32>, tensor<6xf32>
}

// CHECK-LABEL: @reshapes_of_two_shapes_are_kept
func.func @reshapes_of_two_shapes_are_kept(%x: tensor<6xf32>, %y: tensor<3x2xf32>) -> tensor<2x3xf32> {
  // CHECK-NEXT: %a = nd.reshape
  %a = nd.reshape %x : tensor<6xf32> to tensor<2x3xf32>
  // CHECK-NEXT: %b = nd.reshape
  %b = nd.reshape %y : tensor<3x2xf32> to tensor<2x3xf32>
  // CHECK-NEXT: nd.add %a, %b : tensor<2x3xf32>
  %c = nd.add %a, %b : tensor<2x3xf32>
  func.return %c : tensor<2x3xf32>
}
