// RUN: irc-opt %s -p nd-canonicalize | filecheck %s

// CHECK-LABEL: @constant_to_the_right
func.func @constant_to_the_right(%x: tensor<3xf32>) -> tensor<3xf32> {
  %c = nd.full 2.0 : f32 : tensor<3xf32>
  // CHECK: nd.mul %x, %c
  %y = nd.mul %c, %x : tensor<3xf32>
  func.return %y : tensor<3xf32>
}

// CHECK-LABEL: @a_difference_does_not_commute
func.func @a_difference_does_not_commute(%x: tensor<3xf32>) -> tensor<3xf32> {
  %c = nd.full 2.0 : f32 : tensor<3xf32>
  // CHECK: nd.sub %c, %x
  %y = nd.sub %c, %x : tensor<3xf32>
  func.return %y : tensor<3xf32>
}

// CHECK-LABEL: @add_nothing
func.func @add_nothing(%x: tensor<3xf32>, %k: tensor<3xi32>) -> (tensor<3xf32>, tensor<3xi32>) {
  %c = nd.full -0.0 : f32 : tensor<3xf32>
  %d = nd.full 0 : i32 : tensor<3xi32>
  %y = nd.add %x, %c : tensor<3xf32>
  %z = nd.add %d, %k : tensor<3xi32>
  // CHECK-NEXT: func.return %x, %k
  func.return %y, %z : tensor<3xf32>, tensor<3xi32>
}

// CHECK-LABEL: @adding_zero_is_kept_for_minus_zero
func.func @adding_zero_is_kept_for_minus_zero(%x: tensor<3xf32>) -> tensor<3xf32> {
  %c = nd.full 0.0 : f32 : tensor<3xf32>
  // CHECK: nd.add %x, %c
  %y = nd.add %x, %c : tensor<3xf32>
  func.return %y : tensor<3xf32>
}

// CHECK-LABEL: @subtract_nothing
func.func @subtract_nothing(%x: tensor<3xf32>) -> tensor<3xf32> {
  %c = nd.full 0.0 : f32 : tensor<3xf32>
  %y = nd.sub %x, %c : tensor<3xf32>
  // CHECK-NEXT: func.return %x
  func.return %y : tensor<3xf32>
}

// CHECK-LABEL: @subtracting_minus_zero_is_kept
func.func @subtracting_minus_zero_is_kept(%x: tensor<3xf32>) -> tensor<3xf32> {
  %c = nd.full -0.0 : f32 : tensor<3xf32>
  // CHECK: nd.sub %x, %c
  %y = nd.sub %x, %c : tensor<3xf32>
  func.return %y : tensor<3xf32>
}

// CHECK-LABEL: @subtract_itself
func.func @subtract_itself(%k: tensor<3xi32>) -> tensor<3xi32> {
  // CHECK-NEXT: nd.full 0 : i32
  %y = nd.sub %k, %k : tensor<3xi32>
  func.return %y : tensor<3xi32>
}

// CHECK-LABEL: @infinity_minus_infinity_is_kept
func.func @infinity_minus_infinity_is_kept(%x: tensor<3xf32>) -> tensor<3xf32> {
  // CHECK-NEXT: nd.sub %x, %x
  %y = nd.sub %x, %x : tensor<3xf32>
  func.return %y : tensor<3xf32>
}

// CHECK-LABEL: @add_negative
func.func @add_negative(%x: tensor<3xf32>, %y: tensor<3xf32>) -> (tensor<3xf32>, tensor<3xf32>) {
  %n = nd.neg %y : tensor<3xf32>
  // CHECK-NEXT: nd.sub %x, %y
  %a = nd.add %x, %n : tensor<3xf32>
  // CHECK-NEXT: nd.sub %x, %y
  %b = nd.add %n, %x : tensor<3xf32>
  func.return %a, %b : tensor<3xf32>, tensor<3xf32>
}

// CHECK-LABEL: @subtract_negative
func.func @subtract_negative(%x: tensor<3xf32>, %y: tensor<3xf32>) -> tensor<3xf32> {
  %n = nd.neg %y : tensor<3xf32>
  // CHECK-NEXT: nd.add %x, %y
  %a = nd.sub %x, %n : tensor<3xf32>
  func.return %a : tensor<3xf32>
}

// CHECK-LABEL: @times_one
func.func @times_one(%x: tensor<3xf32>, %k: tensor<3xi32>) -> (tensor<3xf32>, tensor<3xf32>, tensor<3xi32>) {
  %c = nd.full 1.0 : f32 : tensor<3xf32>
  %d = nd.full 1 : i32 : tensor<3xi32>
  %y = nd.mul %c, %x : tensor<3xf32>
  %z = nd.div %x, %c : tensor<3xf32>
  %q = nd.floordiv %k, %d : tensor<3xi32>
  // CHECK-NEXT: func.return %x, %x, %k
  func.return %y, %z, %q : tensor<3xf32>, tensor<3xf32>, tensor<3xi32>
}

// CHECK-LABEL: @floor_by_one_is_kept
func.func @floor_by_one_is_kept(%x: tensor<3xf32>) -> tensor<3xf32> {
  %c = nd.full 1.0 : f32 : tensor<3xf32>
  // CHECK: nd.floordiv %x, %c
  %y = nd.floordiv %x, %c : tensor<3xf32>
  func.return %y : tensor<3xf32>
}

// CHECK-LABEL: @times_minus_one
func.func @times_minus_one(%x: tensor<3xf32>) -> (tensor<3xf32>, tensor<3xf32>) {
  %c = nd.full -1.0 : f32 : tensor<3xf32>
  // CHECK-NEXT: nd.neg %x
  %y = nd.mul %x, %c : tensor<3xf32>
  // CHECK-NEXT: nd.neg %x
  %z = nd.div %x, %c : tensor<3xf32>
  func.return %y, %z : tensor<3xf32>, tensor<3xf32>
}

// CHECK-LABEL: @largest_unsigned_is_not_minus_one
func.func @largest_unsigned_is_not_minus_one(%k: tensor<3xui8>) -> tensor<3xui8> {
  %c = nd.full -1 : i8 : tensor<3xui8>
  // CHECK: nd.mul %k, %c
  %y = nd.mul %k, %c : tensor<3xui8>
  func.return %y : tensor<3xui8>
}

// CHECK-LABEL: @times_zero
func.func @times_zero(%k: tensor<3xi32>, %p: tensor<3xi1>) -> (tensor<3xi32>, tensor<3xi1>) {
  // CHECK-NEXT: %c = nd.full 0
  %c = nd.full 0 : i32 : tensor<3xi32>
  // CHECK-NEXT: %f = nd.full false
  %f = nd.full false : tensor<3xi1>
  %y = nd.mul %k, %c : tensor<3xi32>
  %z = nd.and %p, %f : tensor<3xi1>
  // CHECK-NEXT: func.return %c, %f
  func.return %y, %z : tensor<3xi32>, tensor<3xi1>
}

// CHECK-LABEL: @infinity_times_zero_is_kept
func.func @infinity_times_zero_is_kept(%x: tensor<3xf32>) -> tensor<3xf32> {
  %c = nd.full 0.0 : f32 : tensor<3xf32>
  // CHECK: nd.mul %x, %c
  %y = nd.mul %x, %c : tensor<3xf32>
  func.return %y : tensor<3xf32>
}

// CHECK-LABEL: @product_of_negatives
func.func @product_of_negatives(%x: tensor<3xf32>, %y: tensor<3xf32>) -> (tensor<3xf32>, tensor<3xf32>) {
  %m = nd.neg %x : tensor<3xf32>
  %n = nd.neg %y : tensor<3xf32>
  // CHECK-NEXT: nd.mul %x, %y
  %a = nd.mul %m, %n : tensor<3xf32>
  // CHECK-NEXT: nd.div %x, %y
  %b = nd.div %m, %n : tensor<3xf32>
  func.return %a, %b : tensor<3xf32>, tensor<3xf32>
}

// CHECK-LABEL: @sign_into_constant
func.func @sign_into_constant(%x: tensor<3xf32>) -> (tensor<3xf32>, tensor<3xf32>) {
  %c = nd.full 3.0 : f32 : tensor<3xf32>
  %m = nd.neg %x : tensor<3xf32>
  // CHECK: [[C:%.*]] = nd.full -3.0
  // CHECK-NEXT: nd.mul %x, [[C]]
  %a = nd.mul %m, %c : tensor<3xf32>
  // CHECK-NEXT: [[D:%.*]] = nd.full -3.0
  // CHECK-NEXT: nd.div %x, [[D]]
  %b = nd.div %m, %c : tensor<3xf32>
  func.return %a, %b : tensor<3xf32>, tensor<3xf32>
}

// CHECK-LABEL: @negated_product
func.func @negated_product(%x: tensor<3xf32>, %y: tensor<3xf32>) -> (tensor<3xf32>, tensor<3xf32>) {
  %c = nd.full 3.0 : f32 : tensor<3xf32>
  %p = nd.mul %x, %c : tensor<3xf32>
  // CHECK-NEXT: [[C:%.*]] = nd.full -3.0
  // CHECK-NEXT: nd.mul %x, [[C]]
  %a = nd.neg %p : tensor<3xf32>
  %q = nd.mul %x, %y : tensor<3xf32>
  // CHECK: nd.neg %q
  %b = nd.neg %q : tensor<3xf32>
  func.return %a, %b : tensor<3xf32>, tensor<3xf32>
}

// CHECK-LABEL: @divide_by_power_of_two
func.func @divide_by_power_of_two(%x: tensor<3xf32>) -> tensor<3xf32> {
  %c = nd.full 4.0 : f32 : tensor<3xf32>
  // CHECK-NEXT: [[C:%.*]] = nd.full 2.5{{0+}}e-01
  // CHECK-NEXT: nd.mul %x, [[C]]
  %y = nd.div %x, %c : tensor<3xf32>
  func.return %y : tensor<3xf32>
}

// CHECK-LABEL: @divide_by_three_is_kept
func.func @divide_by_three_is_kept(%x: tensor<3xf32>) -> tensor<3xf32> {
  %c = nd.full 3.0 : f32 : tensor<3xf32>
  // CHECK: nd.div %x, %c
  %y = nd.div %x, %c : tensor<3xf32>
  func.return %y : tensor<3xf32>
}

// 2**127 is a number of f32, and its reciprocal is denormal.
// CHECK-LABEL: @reciprocal_would_be_denormal
func.func @reciprocal_would_be_denormal(%x: tensor<3xf32>) -> tensor<3xf32> {
  %c = nd.full 1.7014118346046923e+38 : f32 : tensor<3xf32>
  // CHECK: nd.div %x, %c
  %y = nd.div %x, %c : tensor<3xf32>
  func.return %y : tensor<3xf32>
}

// CHECK-LABEL: @undo
func.func @undo(%x: tensor<3xf32>, %p: tensor<3xi1>) -> (tensor<3xf32>, tensor<3xi1>) {
  %a = nd.neg %x : tensor<3xf32>
  %b = nd.neg %a : tensor<3xf32>
  %c = nd.not %p : tensor<3xi1>
  %d = nd.not %c : tensor<3xi1>
  // CHECK-NEXT: func.return %x, %p
  func.return %b, %d : tensor<3xf32>, tensor<3xi1>
}

// CHECK-LABEL: @even_of_negative
func.func @even_of_negative(%x: tensor<3xf32>) -> (tensor<3xf32>, tensor<3xf32>) {
  %n = nd.neg %x : tensor<3xf32>
  // CHECK-NEXT: nd.abs %x
  %a = nd.abs %n : tensor<3xf32>
  // CHECK-NEXT: nd.square %x
  %b = nd.square %a : tensor<3xf32>
  func.return %a, %b : tensor<3xf32>, tensor<3xf32>
}

// CHECK-LABEL: @odd_of_negative_is_kept
func.func @odd_of_negative_is_kept(%x: tensor<3xf32>) -> tensor<3xf32> {
  %n = nd.neg %x : tensor<3xf32>
  // CHECK: nd.floor %n
  %a = nd.floor %n : tensor<3xf32>
  func.return %a : tensor<3xf32>
}

// CHECK-LABEL: @class_of_negative
func.func @class_of_negative(%x: tensor<3xf32>) -> tensor<3xi1> {
  %n = nd.neg %x : tensor<3xf32>
  // CHECK-NEXT: nd.isnan %x
  %a = nd.isnan %n : tensor<3xf32>
  func.return %a : tensor<3xi1>
}

// CHECK-LABEL: @round_again
func.func @round_again(%x: tensor<3xf32>) -> tensor<3xf32> {
  // CHECK-NEXT: %a = nd.floor %x
  %a = nd.floor %x : tensor<3xf32>
  %b = nd.round %a : tensor<3xf32>
  // CHECK-NEXT: func.return %a
  func.return %b : tensor<3xf32>
}

// CHECK-LABEL: @same_twice
func.func @same_twice(%x: tensor<3xf32>) -> tensor<3xf32> {
  %a = nd.maximum %x, %x : tensor<3xf32>
  // CHECK-NEXT: func.return %x
  func.return %a : tensor<3xf32>
}

// CHECK-LABEL: @exclusive
func.func @exclusive(%k: tensor<3xui8>) -> (tensor<3xui8>, tensor<3xui8>, tensor<3xui8>) {
  %zero = nd.full 0 : i8 : tensor<3xui8>
  %ones = nd.full -1 : i8 : tensor<3xui8>
  // CHECK: [[A:%.*]] = nd.full 0
  %a = nd.xor %k, %k : tensor<3xui8>
  %b = nd.xor %k, %zero : tensor<3xui8>
  // CHECK-NEXT: [[C:%.*]] = nd.not %k
  %c = nd.xor %k, %ones : tensor<3xui8>
  // CHECK-NEXT: func.return [[A]], %k, [[C]]
  func.return %a, %b, %c : tensor<3xui8>, tensor<3xui8>, tensor<3xui8>
}

// CHECK-LABEL: @neutral_bits
func.func @neutral_bits(%k: tensor<3xi8>, %p: tensor<3xi1>) -> (tensor<3xi8>, tensor<3xi8>, tensor<3xi1>) {
  %zero = nd.full 0 : i8 : tensor<3xi8>
  %ones = nd.full -1 : i8 : tensor<3xi8>
  %true = nd.full true : tensor<3xi1>
  %a = nd.or %k, %zero : tensor<3xi8>
  %b = nd.and %k, %ones : tensor<3xi8>
  %c = nd.and %true, %p : tensor<3xi1>
  // CHECK-NEXT: func.return %k, %k, %p
  func.return %a, %b, %c : tensor<3xi8>, tensor<3xi8>, tensor<3xi1>
}

// CHECK-LABEL: @some_bits_are_kept
func.func @some_bits_are_kept(%k: tensor<3xi8>) -> tensor<3xi8> {
  %c = nd.full 1 : i8 : tensor<3xi8>
  // CHECK: nd.and %k, %c
  %a = nd.and %k, %c : tensor<3xi8>
  func.return %a : tensor<3xi8>
}

// CHECK-LABEL: @shift_by_zero
func.func @shift_by_zero(%k: tensor<3xi8>) -> tensor<3xi8> {
  %zero = nd.full 0 : i8 : tensor<3xi8>
  %a = nd.shift_left %k, %zero : tensor<3xi8>
  // CHECK-NEXT: func.return %k
  func.return %a : tensor<3xi8>
}

// CHECK-LABEL: @opposite
func.func @opposite(%x: tensor<3xf32>, %k: tensor<3xi32>) -> (tensor<3xi1>, tensor<3xi1>) {
  %e = nd.eq %x, %x : tensor<3xf32>
  // CHECK-NEXT: nd.ne %x, %x
  %a = nd.not %e : tensor<3xi1>
  %c = nd.full 3 : i32 : tensor<3xi32>
  %l = nd.lt %k, %c : tensor<3xi32>
  // CHECK: nd.ge %k, %c
  %b = nd.not %l : tensor<3xi1>
  func.return %a, %b : tensor<3xi1>, tensor<3xi1>
}

// CHECK-LABEL: @nan_is_neither_below_nor_above
func.func @nan_is_neither_below_nor_above(%x: tensor<3xf32>, %y: tensor<3xf32>) -> tensor<3xi1> {
  // CHECK-NEXT: %l = nd.lt %x, %y
  %l = nd.lt %x, %y : tensor<3xf32>
  // CHECK-NEXT: nd.not %l
  %a = nd.not %l : tensor<3xi1>
  func.return %a : tensor<3xi1>
}

// CHECK-LABEL: @compare_with_itself
func.func @compare_with_itself(%k: tensor<3xi32>) -> (tensor<3xi1>, tensor<3xi1>) {
  // CHECK-NEXT: nd.full true
  %a = nd.le %k, %k : tensor<3xi32>
  // CHECK-NEXT: nd.full false
  %b = nd.ne %k, %k : tensor<3xi32>
  func.return %a, %b : tensor<3xi1>, tensor<3xi1>
}

// CHECK-LABEL: @nan_does_not_equal_itself
func.func @nan_does_not_equal_itself(%x: tensor<3xf32>) -> tensor<3xi1> {
  // CHECK-NEXT: nd.eq %x, %x
  %a = nd.eq %x, %x : tensor<3xf32>
  func.return %a : tensor<3xi1>
}

// CHECK-LABEL: @choose
func.func @choose(%p: tensor<3xi1>, %x: tensor<3xf32>, %y: tensor<3xf32>) -> (tensor<3xf32>, tensor<3xf32>) {
  %f = nd.full false : tensor<3xi1>
  %a = nd.where %f, %x, %y : tensor<3xi1>, tensor<3xf32>
  %b = nd.where %p, %x, %x : tensor<3xi1>, tensor<3xf32>
  // CHECK-NEXT: func.return %y, %x
  func.return %a, %b : tensor<3xf32>, tensor<3xf32>
}

// CHECK-LABEL: @choose_by_opposite
func.func @choose_by_opposite(%p: tensor<3xi1>, %x: tensor<3xf32>, %y: tensor<3xf32>) -> tensor<3xf32> {
  %n = nd.not %p : tensor<3xi1>
  // CHECK-NEXT: nd.where %p, %y, %x
  %a = nd.where %n, %x, %y : tensor<3xi1>, tensor<3xf32>
  func.return %a : tensor<3xf32>
}

// CHECK-LABEL: @choose_again
func.func @choose_again(%p: tensor<3xi1>, %q: tensor<3xi1>, %x: tensor<3xf32>, %y: tensor<3xf32>) -> (tensor<3xf32>, tensor<3xf32>) {
  %a = nd.where %p, %x, %y : tensor<3xi1>, tensor<3xf32>
  // CHECK: nd.where %p, %x, %x2
  %x2 = nd.square %x : tensor<3xf32>
  %b = nd.where %p, %a, %x2 : tensor<3xi1>, tensor<3xf32>
  // CHECK-NEXT: nd.where %q, %a, %y
  %c = nd.where %q, %a, %y : tensor<3xi1>, tensor<3xf32>
  func.return %b, %c : tensor<3xf32>, tensor<3xf32>
}

// CHECK-LABEL: @cast_to_same
func.func @cast_to_same(%x: tensor<3xf32>) -> tensor<3xf32> {
  %a = nd.cast %x : tensor<3xf32> to tensor<3xf32>
  // CHECK-NEXT: func.return %x
  func.return %a : tensor<3xf32>
}

// CHECK-LABEL: @cast_through
func.func @cast_through(%x: tensor<3xf16>, %k: tensor<3xi8>) -> (tensor<3xf64>, tensor<3xi16>) {
  %a = nd.cast %x : tensor<3xf16> to tensor<3xf32>
  // CHECK-NEXT: nd.cast %x : tensor<3xf16> to tensor<3xf64>
  %b = nd.cast %a : tensor<3xf32> to tensor<3xf64>
  %c = nd.cast %k : tensor<3xi8> to tensor<3xi64>
  // CHECK-NEXT: nd.cast %k : tensor<3xi8> to tensor<3xi16>
  %d = nd.cast %c : tensor<3xi64> to tensor<3xi16>
  func.return %b, %d : tensor<3xf64>, tensor<3xi16>
}

// Floats saturate where integers wrap; f16 loses what f64 holds.
// CHECK-LABEL: @cast_through_what_loses
func.func @cast_through_what_loses(%x: tensor<3xf64>, %k: tensor<3xi16>) -> (tensor<3xf32>, tensor<3xi8>) {
  // CHECK-NEXT: %a = nd.cast
  %a = nd.cast %x : tensor<3xf64> to tensor<3xf16>
  // CHECK-NEXT: nd.cast %a
  %b = nd.cast %a : tensor<3xf16> to tensor<3xf32>
  // CHECK-NEXT: %c = nd.cast
  %c = nd.cast %k : tensor<3xi16> to tensor<3xf32>
  // CHECK-NEXT: nd.cast %c
  %d = nd.cast %c : tensor<3xf32> to tensor<3xi8>
  func.return %b, %d : tensor<3xf32>, tensor<3xi8>
}

// CHECK-LABEL: @what_a_derivative_is_taken_by_stands_for_itself
func.func @what_a_derivative_is_taken_by_stands_for_itself(%x: tensor<f32>) -> tensor<f32> {
  // CHECK-NEXT: %n = nd.neg %x
  %n = nd.neg %x : tensor<f32>
  // CHECK-NEXT: %c = nd.neg %n
  %c = nd.neg %n : tensor<f32>
  // CHECK-NEXT: nd.grad %c wrt %n
  %g = nd.grad %c wrt %n : tensor<f32> wrt tensor<f32> -> tensor<f32>
  func.return %g : tensor<f32>
}
