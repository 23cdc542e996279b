// RUN: irc-opt %s -p nd-expand-grad | filecheck %s
// RUN: irc-opt %s -p nd-expand-grad --print-debuginfo | filecheck %s --check-prefix LOC

// CHECK-LABEL: @product
func.func @product(%x: tensor<f32>, %y: tensor<f32>) -> (tensor<f32>, tensor<f32>) {
  %c = nd.mul %x, %y : tensor<f32>
  // CHECK-NEXT: [[ONE:%.*]] = nd.full 1.{{0+}}e+00
  // CHECK-NEXT: %g = nd.mul [[ONE]], %y
  // CHECK-NEXT: %h = nd.mul [[ONE]], %x
  %g, %h = nd.grad %c wrt %x, %y : tensor<f32> wrt tensor<f32>, tensor<f32> -> tensor<f32>, tensor<f32>
  // CHECK-NEXT: func.return %g, %h
  func.return %g, %h : tensor<f32>, tensor<f32>
}

// Backward ops have the place of the op that they derive.
// LOC-LABEL: @places
func.func @places(%x: tensor<f32>) -> (tensor<f32>, tensor<f32>) {
  // LOC-NEXT: %a = nd.sin %x : tensor<f32> loc("[[FILE:.*]]":[[LINE:.*]])
  // LOC: nd.cos %x : tensor<f32> loc("derivative"("[[FILE]]":[[LINE]]))
  %a = nd.sin %x : tensor<f32>
  %g = nd.grad %a wrt %x : tensor<f32> wrt tensor<f32> -> tensor<f32>
  func.return %a, %g : tensor<f32>, tensor<f32>
}

// CHECK-LABEL: @gradients_add_up
func.func @gradients_add_up(%x: tensor<f32>) -> tensor<f32> {
  %a = nd.neg %x : tensor<f32>
  %c = nd.add %a, %x : tensor<f32>
  // CHECK: [[ONE:%.*]] = nd.full 1.{{0+}}e+00
  // CHECK-NEXT: [[N:%.*]] = nd.neg [[ONE]]
  // CHECK-NEXT: nd.add [[ONE]], [[N]]
  %g = nd.grad %c wrt %x : tensor<f32> wrt tensor<f32> -> tensor<f32>
  func.return %g : tensor<f32>
}

// CHECK-LABEL: @of_a_derivative
func.func @of_a_derivative(%x: tensor<f32>) -> tensor<f32> {
  %a = nd.sin %x : tensor<f32>
  %g = nd.grad %a wrt %x : tensor<f32> wrt tensor<f32> -> tensor<f32>
  // CHECK: nd.sin %x
  // CHECK-NOT: nd.grad
  %h = nd.grad %g wrt %x : tensor<f32> wrt tensor<f32> -> tensor<f32>
  func.return %h : tensor<f32>
}

// CHECK-LABEL: @constants_stop_it
func.func @constants_stop_it(%x: tensor<f32>) -> (tensor<f32>, tensor<f32>) {
  // CHECK-NEXT: %k = nd.exp %x
  %k = nd.exp %x : tensor<f32>
  %s = nd.stop_gradient %x : tensor<f32>
  %c = nd.mul %k, %x : tensor<f32>
  %d = nd.mul %s, %x : tensor<f32>
  // CHECK-NEXT: [[ONE:%.*]] = nd.full
  // CHECK-NEXT: %g = nd.mul [[ONE]], %k
  %g = nd.grad %c wrt %x consts %k : tensor<f32> wrt tensor<f32> consts tensor<f32> -> tensor<f32>
  // CHECK-NEXT: [[ONE:%.*]] = nd.full
  // CHECK-NEXT: %h = nd.mul [[ONE]], %x
  %h = nd.grad %d wrt %x : tensor<f32> wrt tensor<f32> -> tensor<f32>
  func.return %g, %h : tensor<f32>, tensor<f32>
}

// CHECK-LABEL: @both_regions_are_derived
func.func @both_regions_are_derived(%p: tensor<i1>, %x: tensor<f32>) -> tensor<f32> {
  %r = nd.if %p : tensor<i1> -> tensor<f32> {
    nd.print "inside"()
    %a = nd.exp %x : tensor<f32>
    nd.yield %a : tensor<f32>
  } else {
    nd.yield %x : tensor<f32>
  }
  // CHECK: nd.full 1.{{0+}}e+00
  // CHECK-NEXT: %g = nd.if %p
  // CHECK-NOT: nd.print
  // CHECK: [[E:%.*]] = nd.exp %x
  // CHECK-NEXT: [[D:%.*]] = nd.mul {{.*}}, [[E]]
  // CHECK-NEXT: nd.yield [[D]]
  %g = nd.grad %r wrt %x : tensor<f32> wrt tensor<f32> -> tensor<f32>
  func.return %g : tensor<f32>
}

// CHECK-LABEL: @not_on_the_way
func.func @not_on_the_way(%x: tensor<f32>, %y: tensor<f32>) -> tensor<f32> {
  // CHECK-NEXT: %g = nd.full 0.{{0+}}e+00
  // CHECK-NEXT: func.return %g
  %g = nd.grad %x wrt %y disconnected : tensor<f32> wrt tensor<f32> -> tensor<f32>
  func.return %g : tensor<f32>
}

// Only what goes forward is left, beside the function itself.
// CHECK-LABEL: @forward
func.func @forward(%x: tensor<3xf32>, %v: tensor<3xf32>) -> tensor<3xf32> {
  // CHECK-NEXT: [[S:%.*]] = nd.sin %x
  // CHECK-NEXT: [[E:%.*]] = nd.exp [[S]]
  // CHECK-NEXT: [[C:%.*]] = nd.cos %x
  // CHECK-NEXT: [[D:%.*]] = nd.mul %v, [[C]]
  // CHECK-NEXT: %y = nd.mul [[D]], [[E]]
  // CHECK-NEXT: func.return %y
  %s = nd.sin %x : tensor<3xf32>
  %e = nd.exp %s : tensor<3xf32>
  %y = nd.jvp %e wrt %x along %v : tensor<3xf32> wrt tensor<3xf32> along tensor<3xf32>
  func.return %y : tensor<3xf32>
}
