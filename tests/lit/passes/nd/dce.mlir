// RUN: irc-opt %s -p nd-dce | filecheck %s

nd.state @s : tensor<f32>

// CHECK-LABEL: @chains_go
func.func @chains_go(%x: tensor<f32>) -> tensor<f32> {
  %a = nd.exp %x : tensor<f32>
  %b = nd.sin %a : tensor<f32>
  %r = nd.state_read @s : tensor<f32>
  // CHECK-NEXT: func.return %x
  func.return %x : tensor<f32>
}

// CHECK-LABEL: @effects_stay
func.func @effects_stay(%x: tensor<f32>, %p: tensor<i1>) {
  // CHECK-NEXT: %a = nd.exp %x
  %a = nd.exp %x : tensor<f32>
  // CHECK-NEXT: nd.assert
  nd.assert "assert" %p, "no"() : tensor<i1>
  // CHECK-NEXT: nd.print
  nd.print "{0}"(%a) : tensor<f32>
  // CHECK-NEXT: nd.state_write
  nd.state_write @s, %a : tensor<f32>
  func.return
}

// CHECK-LABEL: @quiet_conditionals_go
func.func @quiet_conditionals_go(%x: tensor<f32>, %p: tensor<i1>) -> tensor<f32> {
  %r = nd.if %p : tensor<i1> -> tensor<f32> {
    %a = nd.exp %x : tensor<f32>
    nd.yield %a : tensor<f32>
  } else {
    nd.yield %x : tensor<f32>
  }
  // CHECK-NEXT: func.return %x
  func.return %x : tensor<f32>
}

// CHECK-LABEL: @conditionals_with_effects_stay
func.func @conditionals_with_effects_stay(%x: tensor<f32>, %p: tensor<i1>) {
  // CHECK-NEXT: nd.if %p
  nd.if %p : tensor<i1> {
    // CHECK-NEXT: nd.if %p
    nd.if %p : tensor<i1> {
      // CHECK-NEXT: nd.print
      nd.print "hello"()
      nd.yield
    } else {
      nd.yield
    }
    nd.yield
  } else {
    %a = nd.exp %x : tensor<f32>
    // CHECK-NOT: nd.exp
    nd.yield
  }
  func.return
}

// CHECK-LABEL: @loops_are_dead_unless_they_tell
func.func @loops_are_dead_unless_they_tell(%u: tensor<7xf32>, %x: tensor<f32>) {
  // CHECK-NEXT: %said = nd.scan "7"
  // CHECK-NEXT: ^bb0
  // CHECK-NEXT: nd.print "step"
  // CHECK-NEXT: nd.yield
  // CHECK-NEXT: }
  // CHECK-NEXT: func.return
  %quiet = nd.scan "7" over (%u[0]) : (tensor<7xf32>) -> (tensor<7xf32>) {
  ^bb0(%t: tensor<i64>, %u0: tensor<f32>):
    %d = nd.add %u0, %u0 : tensor<f32>
    nd.yield %d : tensor<f32>
  }
  %said = nd.scan "7" over (%u[0]) : (tensor<7xf32>) -> (tensor<7xf32>) {
  ^bb0(%t: tensor<i64>, %u0: tensor<f32>):
    %d = nd.add %u0, %u0 : tensor<f32>
    nd.print "step"()
    nd.yield %u0 : tensor<f32>
  }
  %found = nd.while limit <"9"> %x : tensor<f32> while {
  ^bb0(%y: tensor<f32>):
    %c = nd.gt %y, %x : tensor<f32>
    nd.yield %c : tensor<i1>
  } do {
  ^bb0(%y: tensor<f32>):
    nd.yield %y : tensor<f32>
  } -> tensor<f32>
  func.return
}
