// RUN: irc-opt %s -p nd-cse | filecheck %s

nd.state @s : tensor<3xf32>

// CHECK-LABEL: @equal_ops_are_one
func.func @equal_ops_are_one(%x: tensor<3xf32>) -> tensor<3xf32> {
  // CHECK-NEXT: %a = nd.exp %x
  %a = nd.exp %x : tensor<3xf32>
  %b = nd.exp %x : tensor<3xf32>
  // CHECK-NEXT: nd.add %a, %a
  %c = nd.add %a, %b : tensor<3xf32>
  func.return %c : tensor<3xf32>
}

// CHECK-LABEL: @zeros_of_two_signs
func.func @zeros_of_two_signs() -> (tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>) {
  // CHECK-NEXT: %a = nd.full 0.0
  %a = nd.full 0.0 : f32 : tensor<f32>
  // CHECK-NEXT: %b = nd.full -0.0
  %b = nd.full -0.0 : f32 : tensor<f32>
  // CHECK-NEXT: %c = nd.full 0x7fc00000
  %c = nd.full 0x7fc00000 : f32 : tensor<f32>
  %d = nd.full 0x7fc00000 : f32 : tensor<f32>
  // CHECK-NEXT: return %a, %b, %c, %c
  func.return %a, %b, %c, %d : tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>
}

// CHECK-LABEL: @axes_differ
func.func @axes_differ(%x: tensor<3x3xf32>) -> tensor<3xf32> {
  // CHECK-NEXT: nd.sum %x axes = [0]
  %a = nd.sum %x axes = [0] : tensor<3x3xf32> to tensor<3xf32>
  // CHECK-NEXT: nd.sum %x axes = [1]
  %b = nd.sum %x axes = [1] : tensor<3x3xf32> to tensor<3xf32>
  %c = nd.add %a, %b : tensor<3xf32>
  func.return %c : tensor<3xf32>
}

// CHECK-LABEL: @a_state_is_read_once
func.func @a_state_is_read_once(%x: tensor<3xf32>) -> tensor<3xf32> {
  // CHECK-NEXT: %a = nd.state_read @s
  %a = nd.state_read @s : tensor<3xf32>
  %b = nd.state_read @s : tensor<3xf32>
  // CHECK-NEXT: nd.add %a, %a
  %c = nd.add %a, %b : tensor<3xf32>
  nd.state_write @s, %x : tensor<3xf32>
  func.return %c : tensor<3xf32>
}

// CHECK-LABEL: @prints_are_all_kept
func.func @prints_are_all_kept(%x: tensor<f32>) {
  // CHECK-COUNT-2: nd.print
  nd.print "{0}"(%x) : tensor<f32>
  nd.print "{0}"(%x) : tensor<f32>
  func.return
}

// CHECK-LABEL: @regions_know_what_is_around_them
func.func @regions_know_what_is_around_them(%p: tensor<i1>, %x: tensor<f32>) -> (tensor<f32>, tensor<f32>) {
  // CHECK: %a = nd.exp %x
  %a = nd.exp %x : tensor<f32>
  %r = nd.if %p : tensor<i1> -> tensor<f32> {
    %b = nd.exp %x : tensor<f32>
    // CHECK: nd.yield %a
    nd.yield %b : tensor<f32>
  } else {
    // CHECK: %c = nd.sin %x
    %c = nd.sin %x : tensor<f32>
    nd.yield %c : tensor<f32>
  }
  // CHECK: %d = nd.sin %x
  %d = nd.sin %x : tensor<f32>
  func.return %r, %d : tensor<f32>, tensor<f32>
}

// A derivative counts the uses of %h only.
// CHECK-LABEL: @what_a_derivative_is_taken_by_is_merged_with_none
func.func @what_a_derivative_is_taken_by_is_merged_with_none(%x: tensor<f32>) -> tensor<f32> {
  // CHECK-NEXT: %h = nd.exp %x
  %h = nd.exp %x : tensor<f32>
  // CHECK-NEXT: %k = nd.exp %x
  %k = nd.exp %x : tensor<f32>
  // CHECK-NEXT: nd.mul %h, %k
  %c = nd.mul %h, %k : tensor<f32>
  %g = nd.grad %c wrt %h : tensor<f32> wrt tensor<f32> -> tensor<f32>
  func.return %g : tensor<f32>
}
