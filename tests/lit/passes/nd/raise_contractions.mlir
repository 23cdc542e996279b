// RUN: irc-opt %s -p nd-raise-contractions | filecheck %s

// CHECK-LABEL: @matrix_product
func.func @matrix_product(%x: tensor<?x4xf32, #nd.dims<"n">>, %y: tensor<4x5xf32>) -> tensor<?x5xf32, #nd.dims<"n">> {
  %a = nd.broadcast %x dims = [0, 2] : tensor<?x4xf32, #nd.dims<"n">> to tensor<?x5x4xf32, #nd.dims<"n">>
  %t = nd.transpose %y perm = [1, 0] : tensor<4x5xf32> to tensor<5x4xf32>
  %b = nd.broadcast %t dims = [1, 2] : tensor<5x4xf32> to tensor<?x5x4xf32, #nd.dims<"n">>
  %p = nd.mul %a, %b : tensor<?x5x4xf32, #nd.dims<"n">>
  // CHECK-NEXT: nd.dot %x, %y batch [], [] contract [1], [0]
  %s = nd.sum %p axes = [2] : tensor<?x5x4xf32, #nd.dims<"n">> to tensor<?x5xf32, #nd.dims<"n">>
  func.return %s : tensor<?x5xf32, #nd.dims<"n">>
}

// Rows of y come first in the result, so y stands on the left.
// CHECK-LABEL: @factors_in_the_order_of_the_result
func.func @factors_in_the_order_of_the_result(%x: tensor<3x4xf32>, %y: tensor<5x4xf32>) -> tensor<5x3xf32> {
  %a = nd.broadcast %x dims = [1, 2] : tensor<3x4xf32> to tensor<5x3x4xf32>
  %b = nd.broadcast %y dims = [0, 2] : tensor<5x4xf32> to tensor<5x3x4xf32>
  %p = nd.mul %a, %b : tensor<5x3x4xf32>
  // CHECK-NEXT: nd.dot %y, %x batch [], [] contract [1], [1]
  %s = nd.sum %p axes = [2] : tensor<5x3x4xf32> to tensor<5x3xf32>
  func.return %s : tensor<5x3xf32>
}

// CHECK-LABEL: @batched_over_two_axes
func.func @batched_over_two_axes(%x: tensor<2x3x6x7xf32>, %y: tensor<2x6x5x7xf32>) -> tensor<2x3x5xf32> {
  %a = nd.broadcast %x dims = [0, 1, 3, 4] : tensor<2x3x6x7xf32> to tensor<2x3x5x6x7xf32>
  %t = nd.transpose %y perm = [0, 2, 1, 3] : tensor<2x6x5x7xf32> to tensor<2x5x6x7xf32>
  %b = nd.broadcast %t dims = [0, 2, 3, 4] : tensor<2x5x6x7xf32> to tensor<2x3x5x6x7xf32>
  %p = nd.mul %a, %b : tensor<2x3x5x6x7xf32>
  // CHECK-NEXT: nd.dot %x, %y batch [0], [0] contract [2, 3], [1, 3]
  %s = nd.sum %p axes = [3, 4] : tensor<2x3x5x6x7xf32> to tensor<2x3x5xf32>
  func.return %s : tensor<2x3x5xf32>
}

// CHECK-LABEL: @axes_of_neither_are_repeated
func.func @axes_of_neither_are_repeated(%x: tensor<3x4xf32>, %y: tensor<4x5xf32>) -> tensor<3x2x5xf32> {
  %a = nd.broadcast %x dims = [0, 3] : tensor<3x4xf32> to tensor<3x2x5x4xf32>
  %t = nd.transpose %y perm = [1, 0] : tensor<4x5xf32> to tensor<5x4xf32>
  %b = nd.broadcast %t dims = [2, 3] : tensor<5x4xf32> to tensor<3x2x5x4xf32>
  %p = nd.mul %a, %b : tensor<3x2x5x4xf32>
  // CHECK-NEXT: [[D:%.*]] = nd.dot %x, %y
  // CHECK-NEXT: nd.broadcast [[D]] dims = [0, 2]
  %s = nd.sum %p axes = [3] : tensor<3x2x5x4xf32> to tensor<3x2x5xf32>
  func.return %s : tensor<3x2x5xf32>
}

// CHECK-LABEL: @matrix_and_vector
func.func @matrix_and_vector(%x: tensor<3x4xf32>, %y: tensor<4xf32>) -> tensor<3xf32> {
  %b = nd.broadcast %y dims = [1] : tensor<4xf32> to tensor<3x4xf32>
  %p = nd.mul %x, %b : tensor<3x4xf32>
  // CHECK-NEXT: nd.dot %x, %y batch [], [] contract [1], [0]
  %s = nd.sum %p axes = [1] : tensor<3x4xf32> to tensor<3xf32>
  func.return %s : tensor<3xf32>
}

// The sum computes exp on the way; a product would have it stored.
// CHECK-LABEL: @a_computed_matrix_is_not_stored_for_a_vector
func.func @a_computed_matrix_is_not_stored_for_a_vector(%x: tensor<3x4xf32>, %y: tensor<4xf32>) -> tensor<3xf32> {
  %e = nd.exp %x : tensor<3x4xf32>
  %b = nd.broadcast %y dims = [1] : tensor<4xf32> to tensor<3x4xf32>
  %p = nd.mul %e, %b : tensor<3x4xf32>
  // CHECK: nd.sum
  %s = nd.sum %p axes = [1] : tensor<3x4xf32> to tensor<3xf32>
  func.return %s : tensor<3xf32>
}

// CHECK-LABEL: @inner_product
func.func @inner_product(%x: tensor<3x4xf32>, %y: tensor<3x4xf32>) -> tensor<f32> {
  %p = nd.mul %x, %y : tensor<3x4xf32>
  // CHECK-NEXT: nd.dot %x, %y batch [], [] contract [0, 1], [0, 1]
  %s = nd.sum %p axes = [0, 1] : tensor<3x4xf32> to tensor<f32>
  func.return %s : tensor<f32>
}

// CHECK-LABEL: @row_by_row_stays_a_sum
func.func @row_by_row_stays_a_sum(%x: tensor<3x4xf32>, %y: tensor<3x4xf32>) -> tensor<3xf32> {
  %p = nd.mul %x, %y : tensor<3x4xf32>
  // CHECK: nd.sum
  %s = nd.sum %p axes = [1] : tensor<3x4xf32> to tensor<3xf32>
  func.return %s : tensor<3xf32>
}

// CHECK-LABEL: @a_summed_axis_of_one_factor_only
func.func @a_summed_axis_of_one_factor_only(%x: tensor<3x4xf32>, %y: tensor<3xf32>) -> tensor<3xf32> {
  %b = nd.broadcast %y dims = [0] : tensor<3xf32> to tensor<3x4xf32>
  %p = nd.mul %x, %b : tensor<3x4xf32>
  // CHECK: nd.sum
  %s = nd.sum %p axes = [1] : tensor<3x4xf32> to tensor<3xf32>
  func.return %s : tensor<3xf32>
}

// CHECK-LABEL: @a_product_with_other_uses
func.func @a_product_with_other_uses(%x: tensor<3xf32>, %y: tensor<3xf32>) -> (tensor<f32>, tensor<3xf32>) {
  %p = nd.mul %x, %y : tensor<3xf32>
  // CHECK: nd.sum
  %s = nd.sum %p axes = [0] : tensor<3xf32> to tensor<f32>
  func.return %s, %p : tensor<f32>, tensor<3xf32>
}

// CHECK-LABEL: @dot_of_transposes
func.func @dot_of_transposes(%x: tensor<4x3xf32>, %y: tensor<5x4xf32>) -> tensor<3x5xf32> {
  %a = nd.transpose %x perm = [1, 0] : tensor<4x3xf32> to tensor<3x4xf32>
  %b = nd.transpose %y perm = [1, 0] : tensor<5x4xf32> to tensor<4x5xf32>
  // CHECK-NEXT: nd.dot %x, %y batch [], [] contract [0], [1]
  %c = nd.dot %a, %b batch [], [] contract [1], [0] : tensor<3x4xf32>, tensor<4x5xf32> to tensor<3x5xf32>
  func.return %c : tensor<3x5xf32>
}

// CHECK-LABEL: @dot_of_exchanged_rows
func.func @dot_of_exchanged_rows(%x: tensor<2x3x4xf32>, %y: tensor<4xf32>) -> tensor<3x2xf32> {
  // CHECK-NEXT: nd.transpose
  %a = nd.transpose %x perm = [1, 0, 2] : tensor<2x3x4xf32> to tensor<3x2x4xf32>
  %c = nd.dot %a, %y batch [], [] contract [2], [0] : tensor<3x2x4xf32>, tensor<4xf32> to tensor<3x2xf32>
  func.return %c : tensor<3x2xf32>
}

// CHECK-LABEL: @transpose_of_dot
func.func @transpose_of_dot(%x: tensor<3x4xf32>, %y: tensor<4x5xf32>) -> tensor<5x3xf32> {
  %c = nd.dot %x, %y batch [], [] contract [1], [0] : tensor<3x4xf32>, tensor<4x5xf32> to tensor<3x5xf32>
  // CHECK-NEXT: nd.dot %y, %x batch [], [] contract [0], [1]
  %t = nd.transpose %c perm = [1, 0] : tensor<3x5xf32> to tensor<5x3xf32>
  func.return %t : tensor<5x3xf32>
}
