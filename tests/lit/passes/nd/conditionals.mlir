// RUN: irc-opt %s -p nd-canonicalize | filecheck %s

// CHECK-LABEL: @known_condition
func.func @known_condition(%x: tensor<f32>) -> tensor<f32> {
  %f = nd.full false : tensor<i1>
  %r = nd.if %f : tensor<i1> -> tensor<f32> {
    nd.print "then"()
    nd.yield %x : tensor<f32>
  } else {
    // CHECK-NEXT: nd.print "else"
    nd.print "else"()
    // CHECK-NEXT: %e = nd.exp %x
    %e = nd.exp %x : tensor<f32>
    nd.yield %e : tensor<f32>
  }
  // CHECK-NEXT: func.return %e
  func.return %r : tensor<f32>
}

// CHECK-LABEL: @same_in_both
func.func @same_in_both(%p: tensor<i1>, %x: tensor<f32>, %y: tensor<f32>) -> (tensor<f32>, tensor<f32>) {
  // CHECK-NEXT: %b = nd.if %p : tensor<i1> -> tensor<f32> {
  %a, %b, %c = nd.if %p : tensor<i1> -> tensor<f32>, tensor<f32>, tensor<f32> {
    // CHECK-NEXT: nd.yield %x
    %e = nd.exp %x : tensor<f32>
    nd.yield %x, %x, %e : tensor<f32>, tensor<f32>, tensor<f32>
  } else {
    // CHECK: nd.yield %y
    nd.yield %x, %y, %x : tensor<f32>, tensor<f32>, tensor<f32>
  }
  // CHECK: func.return %x, %b
  func.return %a, %b : tensor<f32>, tensor<f32>
}

// CHECK-LABEL: @different_in_both
func.func @different_in_both(%p: tensor<i1>, %x: tensor<f32>, %y: tensor<f32>) -> tensor<f32> {
  // CHECK-NEXT: nd.if %p
  %a = nd.if %p : tensor<i1> -> tensor<f32> {
    nd.yield %x : tensor<f32>
  } else {
    nd.yield %y : tensor<f32>
  }
  func.return %a : tensor<f32>
}
