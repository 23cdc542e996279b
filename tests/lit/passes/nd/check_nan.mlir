// RUN: irc-opt %s -p nd-check-nan | filecheck %s

// CHECK-LABEL: @a_function_of_elements
func.func @a_function_of_elements(%x: tensor<3xf64>) -> tensor<3xf64> {
  // CHECK: nd.assert "assert" {{.*}}, "argument `x` is NaN at [{@0}] before anything is computed"()
  // CHECK: %y = nd.log %x
  // CHECK-NEXT: [[IN:%.*]] = nd.isfinite %x
  // CHECK-NEXT: [[BEFORE:%.*]] = nd.not [[IN]]
  // CHECK-NEXT: [[OK:%.*]] = nd.isfinite %y
  // CHECK-NEXT: [[NAN:%.*]] = nd.isnan %y
  // CHECK-NEXT: [[NUMBER:%.*]] = nd.not [[NAN]]
  // CHECK-NEXT: [[EXCUSED:%.*]] = nd.and [[NUMBER]], [[BEFORE]]
  // CHECK-NEXT: [[GOOD:%.*]] = nd.or [[OK]], [[EXCUSED]]
  // CHECK-NEXT: nd.assert "assert" [[GOOD]], "`y` is {0} at [{@0}]: the first NaN or infinity, made by `log` of {1}"(%y, %x)
  %y = nd.log %x : tensor<3xf64>
  func.return %y : tensor<3xf64>
}

// CHECK-LABEL: @what_moves_elements_is_not_checked
func.func @what_moves_elements_is_not_checked(%i: tensor<3xi32>) -> tensor<3x1xi32> {
  // CHECK-NOT: nd.assert
  %c = nd.full 1.0 : f32 : tensor<3xf32>
  %j = nd.reshape %i : tensor<3xi32> to tensor<3x1xi32>
  func.return %j : tensor<3x1xi32>
}

// A sum over a constant infinity may be infinite, but not NaN.
// CHECK-LABEL: @an_infinity_on_purpose
func.func @an_infinity_on_purpose(%c: tensor<3xi1>) -> tensor<f32> {
  %f = nd.full 0x7F800000 : f32 : tensor<3xf32>
  %z = nd.full 0.0 : f32 : tensor<3xf32>
  %w = nd.where %c, %f, %z : tensor<3xi1>, tensor<3xf32>
  // CHECK: %s = nd.sum %w
  // CHECK-NEXT: [[NAN:%.*]] = nd.isnan %s
  // CHECK-NEXT: [[NUMBER:%.*]] = nd.not [[NAN]]
  // CHECK-NEXT: nd.assert "assert" [[NUMBER]], "`s` is {0}: the first NaN or infinity, made by `sum`"(%s)
  %s = nd.sum %w axes = [0] : tensor<3xf32> to tensor<f32>
  func.return %s : tensor<f32>
}
