// RUN: irc-opt %s -p nd-batch-scans | filecheck %s

// CHECK-LABEL: @a_product_at_each_step_is_one
func.func @a_product_at_each_step_is_one(%x: tensor<?x4xf32, #nd.dims<"T">>, %w: tensor<3x4xf32>) -> tensor<?x3xf32, #nd.dims<"T">> {
  // CHECK-NEXT: %p = nd.dot %x, %w batch [], [] contract [1], [1]
  // CHECK-NEXT: return %p
  %y = nd.scan "T" over (%x[0]) : (tensor<?x4xf32, #nd.dims<"T">>) -> (tensor<?x3xf32, #nd.dims<"T">>) {
  ^bb0(%t: tensor<i64>, %x0: tensor<4xf32>):
    %p = nd.dot %w, %x0 batch [], [] contract [1], [0] : tensor<3x4xf32>, tensor<4xf32> to tensor<3xf32>
    nd.yield %p : tensor<3xf32>
  }
  func.return %y : tensor<?x3xf32, #nd.dims<"T">>
}

// CHECK-LABEL: @a_layer_at_each_step_is_one
func.func @a_layer_at_each_step_is_one(%x: tensor<?x5x4xf32, #nd.dims<"T">>, %w: tensor<4x3xf32>, %c: tensor<3xf32>) -> tensor<?x5x3xf32, #nd.dims<"T">> {
  // CHECK-NOT: nd.scan
  // CHECK: nd.dot %x, %w batch [], [] contract [2], [0]
  // CHECK-NOT: nd.transpose
  // CHECK: nd.add
  // CHECK: nd.tanh
  %y = nd.scan "T" over (%x[0]) : (tensor<?x5x4xf32, #nd.dims<"T">>) -> (tensor<?x5x3xf32, #nd.dims<"T">>) {
  ^bb0(%t: tensor<i64>, %x0: tensor<5x4xf32>):
    %p = nd.dot %x0, %w batch [], [] contract [1], [0] : tensor<5x4xf32>, tensor<4x3xf32> to tensor<5x3xf32>
    %d = nd.broadcast %c dims = [1] : tensor<3xf32> to tensor<5x3xf32>
    %q = nd.add %p, %d : tensor<5x3xf32>
    %r = nd.tanh %q : tensor<5x3xf32>
    nd.yield %r : tensor<5x3xf32>
  }
  func.return %y : tensor<?x5x3xf32, #nd.dims<"T">>
}

// What reads the input goes before the loop, with the bias; what nothing waits for behind it.
// CHECK-LABEL: @around_a_recurrence
func.func @around_a_recurrence(%u: tensor<?x4xf32, #nd.dims<"T">>, %wu: tensor<3x4xf32>, %wx: tensor<3x3xf32>, %wy: tensor<2x3xf32>, %c: tensor<3xf32>, %x0: tensor<1x3xf32>) -> (tensor<?x3xf32, #nd.dims<"T + 1">>, tensor<?x2xf32, #nd.dims<"T">>) {
  // CHECK-NEXT: %[[e:.*]] = nd.exp %u
  // CHECK-NEXT: %[[p:.*]] = nd.dot %[[e]], %wu batch [], [] contract [1], [1]
  // CHECK-NEXT: nd.broadcast %c
  // CHECK-NEXT: %[[z:.*]] = nd.add %[[p]]
  // CHECK-NEXT: %[[h:.*]] = nd.scan "T" over (%[[z]][0]) from (history %x0[1])
  %x, %y = nd.scan "T" over (%u[0]) from (history %x0[1]) : (tensor<?x4xf32, #nd.dims<"T">>, tensor<1x3xf32>) -> (tensor<?x3xf32, #nd.dims<"T + 1">>, tensor<?x2xf32, #nd.dims<"T">>) {
  ^bb0(%t: tensor<i64>, %u0: tensor<4xf32>, %x1: tensor<3xf32>):
    // CHECK-NEXT: ^bb0(%t: tensor<i64>, %{{.*}}: tensor<3xf32>, %x1: tensor<3xf32>):
    // CHECK-NEXT: nd.dot %wx, %x1
    // CHECK-NEXT: nd.add
    // CHECK-NEXT: nd.tanh
    // CHECK-NEXT: nd.yield
    %e = nd.exp %u0 : tensor<4xf32>
    %p = nd.dot %wu, %e batch [], [] contract [1], [0] : tensor<3x4xf32>, tensor<4xf32> to tensor<3xf32>
    %pc = nd.add %p, %c : tensor<3xf32>
    %q = nd.dot %wx, %x1 batch [], [] contract [1], [0] : tensor<3x3xf32>, tensor<3xf32> to tensor<3xf32>
    %s = nd.add %pc, %q : tensor<3xf32>
    %n = nd.tanh %s : tensor<3xf32>
    %m = nd.neg %x1 : tensor<3xf32>
    %r = nd.dot %wy, %m batch [], [] contract [1], [0] : tensor<2x3xf32>, tensor<3xf32> to tensor<2xf32>
    nd.yield %n, %r : tensor<3xf32>, tensor<2xf32>
  }
  // CHECK: nd.slice %[[h]][] at <"0", "0">
  // CHECK-NEXT: nd.neg
  // CHECK-NEXT: nd.dot %{{.*}}, %wy batch [], [] contract [1], [1]
  func.return %x, %y : tensor<?x3xf32, #nd.dims<"T + 1">>, tensor<?x2xf32, #nd.dims<"T">>
}

// CHECK-LABEL: @sums_of_products_along_time
func.func @sums_of_products_along_time(%d: tensor<?x3xf32, #nd.dims<"T">>, %h: tensor<?x4xf32, #nd.dims<"T + 1">>, %w: tensor<3x3xf32>, %g0: tensor<1x3xf32>, %s0: tensor<1x4x3xf32>, %b0: tensor<1x3xf32>) -> (tensor<1x4x3xf32>, tensor<1x3xf32>) {
  // CHECK: %[[h:.*]], %c = nd.scan "T" reverse over (%d[0]) from (history %g0[1], %b0[1])
  %g, %s, %c = nd.scan "T" reverse over (%d[0], %h[0]) from (%g0[1], %s0[1], %b0[1]) : (tensor<?x3xf32, #nd.dims<"T">>, tensor<?x4xf32, #nd.dims<"T + 1">>, tensor<1x3xf32>, tensor<1x4x3xf32>, tensor<1x3xf32>) -> (tensor<1x3xf32>, tensor<1x4x3xf32>, tensor<1x3xf32>) {
  ^bb0(%t: tensor<i64>, %d0: tensor<3xf32>, %h0: tensor<4xf32>, %g1: tensor<3xf32>, %s1: tensor<4x3xf32>, %b1: tensor<3xf32>):
    %p = nd.dot %w, %g1 batch [], [] contract [1], [0] : tensor<3x3xf32>, tensor<3xf32> to tensor<3xf32>
    %q = nd.add %p, %d0 : tensor<3xf32>
    %o = nd.dot %q, %h0 batch [], [] contract [], [] : tensor<3xf32>, tensor<4xf32> to tensor<3x4xf32>
    %i = nd.transpose %o perm = [1, 0] : tensor<3x4xf32> to tensor<4x3xf32>
    %n = nd.sub %s1, %i : tensor<4x3xf32>
    // A sum of floats without a product keeps its order.
    // CHECK: nd.add %b1
    %m = nd.add %b1, %q : tensor<3xf32>
    nd.yield %q, %n, %m : tensor<3xf32>, tensor<4x3xf32>, tensor<3xf32>
  }
  // CHECK: %[[g:.*]] = nd.slice %[[h]][] at <"0", "0">
  // CHECK: %[[x:.*]] = nd.slice %h[] at <"0", "0">
  // CHECK: nd.dot %[[x]], %[[g]] batch [], [] contract [0], [0]
  // CHECK-NOT: nd.transpose
  // CHECK: nd.sub %s0
  func.return %s, %c : tensor<1x4x3xf32>, tensor<1x3xf32>
}

// What is only elementwise costs nothing in a loop.
// CHECK-LABEL: @elementwise_work_stays
func.func @elementwise_work_stays(%u: tensor<?x4xf32, #nd.dims<"T">>, %x0: tensor<1x4xf32>) -> tensor<1x4xf32> {
  // CHECK-NEXT: nd.scan "T" over (%u[0]) from (%x0[1])
  %x = nd.scan "T" over (%u[0]) from (%x0[1]) : (tensor<?x4xf32, #nd.dims<"T">>, tensor<1x4xf32>) -> (tensor<1x4xf32>) {
  ^bb0(%t: tensor<i64>, %u0: tensor<4xf32>, %x1: tensor<4xf32>):
    %e = nd.exp %u0 : tensor<4xf32>
    %s = nd.add %x1, %e : tensor<4xf32>
    nd.yield %s : tensor<4xf32>
  }
  func.return %x : tensor<1x4xf32>
}

// States that only delay are stacks; the time counts.
// CHECK-LABEL: @a_filter
func.func @a_filter(%u: tensor<?xf32, #nd.dims<"T">>, %x0: tensor<3xf32>) -> (tensor<?xf32, #nd.dims<"T + 3">>, tensor<?xf32, #nd.dims<"T">>) {
  // CHECK-NOT: nd.scan
  // CHECK: %x = nd.concat %x0, %{{.*}} axis = 0
  // CHECK: nd.iota
  // CHECK: nd.slice %x[] at <"2">
  // CHECK: nd.slice %x[] at <"0">
  %x, %y = nd.scan "T" over (%u[0]) from (history %x0[1, 3]) : (tensor<?xf32, #nd.dims<"T">>, tensor<3xf32>) -> (tensor<?xf32, #nd.dims<"T + 3">>, tensor<?xf32, #nd.dims<"T">>) {
  ^bb0(%t: tensor<i64>, %u0: tensor<f32>, %x1: tensor<f32>, %x3: tensor<f32>):
    %e = nd.neg %u0 : tensor<f32>
    %s = nd.add %x3, %x1 : tensor<f32>
    %k = nd.cast %t : tensor<i64> to tensor<f32>
    %r = nd.mul %s, %k : tensor<f32>
    nd.yield %e, %r : tensor<f32>, tensor<f32>
  }
  func.return %x, %y : tensor<?xf32, #nd.dims<"T + 3">>, tensor<?xf32, #nd.dims<"T">>
}

// CHECK-LABEL: @out_of_nested_scans
func.func @out_of_nested_scans(%u: tensor<?x?x4xf32, #nd.dims<"T", "S">>, %w: tensor<3x4xf32>, %x0: tensor<1x3xf32>) -> tensor<1x3xf32> {
  // CHECK: nd.dot %u, %w batch [], [] contract [2], [1]
  // CHECK: nd.scan "T"
  // CHECK: nd.scan "S"
  // CHECK-NOT: nd.dot
  %x = nd.scan "T" over (%u[0]) from (%x0[1]) : (tensor<?x?x4xf32, #nd.dims<"T", "S">>, tensor<1x3xf32>) -> (tensor<1x3xf32>) {
  ^bb0(%t: tensor<i64>, %u0: tensor<?x4xf32, #nd.dims<"S">>, %x1: tensor<3xf32>):
    %z0 = nd.reshape %x1 : tensor<3xf32> to tensor<1x3xf32>
    %z = nd.scan "S" over (%u0[0]) from (%z0[1]) : (tensor<?x4xf32, #nd.dims<"S">>, tensor<1x3xf32>) -> (tensor<1x3xf32>) {
    ^bb1(%s: tensor<i64>, %v0: tensor<4xf32>, %z1: tensor<3xf32>):
      %p = nd.dot %w, %v0 batch [], [] contract [1], [0] : tensor<3x4xf32>, tensor<4xf32> to tensor<3xf32>
      %q = nd.mul %p, %z1 : tensor<3xf32>
      nd.yield %q : tensor<3xf32>
    }
    %r = nd.reshape %z : tensor<1x3xf32> to tensor<3xf32>
    nd.yield %r : tensor<3xf32>
  }
  func.return %x : tensor<1x3xf32>
}

// After the step that ends a scan its rows repeat: what reads them stays.
// CHECK-LABEL: @a_scan_that_may_end_early
func.func @a_scan_that_may_end_early(%u: tensor<?x4xf32, #nd.dims<"T">>, %w: tensor<3x4xf32>, %x0: tensor<1x3xf32>) -> (tensor<?x3xf32, #nd.dims<"T">>, tensor<?x4xf32, #nd.dims<"T">>) {
  // CHECK: nd.dot %u, %w
  // CHECK: nd.scan "T" until
  %x, %y, %z = nd.scan "T" until over (%u[0]) from (%x0[1]) : (tensor<?x4xf32, #nd.dims<"T">>, tensor<1x3xf32>) -> (tensor<1x3xf32>, tensor<?x3xf32, #nd.dims<"T">>, tensor<?x4xf32, #nd.dims<"T">>) {
  ^bb0(%t: tensor<i64>, %u0: tensor<4xf32>, %x1: tensor<3xf32>):
    %p = nd.dot %w, %u0 batch [], [] contract [1], [0] : tensor<3x4xf32>, tensor<4xf32> to tensor<3xf32>
    %q = nd.mul %p, %x1 : tensor<3xf32>
    // CHECK: nd.dot
    %r = nd.dot %q, %w batch [], [] contract [0], [0] : tensor<3xf32>, tensor<3x4xf32> to tensor<4xf32>
    %s = nd.sum %p axes = [0] : tensor<3xf32> to tensor<f32>
    %c = nd.gt %s, %s : tensor<f32>
    nd.yield %q, %p, %r, %c : tensor<3xf32>, tensor<3xf32>, tensor<4xf32>, tensor<i1>
  }
  func.return %y, %z : tensor<?x3xf32, #nd.dims<"T">>, tensor<?x4xf32, #nd.dims<"T">>
}

// A stack a thousand times larger than all that is there is not made for one number a step.
// CHECK-LABEL: @stacks_that_cost_too_much
func.func @stacks_that_cost_too_much(%u: tensor<?xf32, #nd.dims<"T">>, %w: tensor<1000xf32>, %x0: tensor<1x1000xf32>) -> tensor<?xf32, #nd.dims<"T">> {
  // CHECK: nd.scan "T" over (%u[0]) from (%x0[1])
  // CHECK: nd.dot
  %x, %y = nd.scan "T" over (%u[0]) from (%x0[1]) : (tensor<?xf32, #nd.dims<"T">>, tensor<1x1000xf32>) -> (tensor<1x1000xf32>, tensor<?xf32, #nd.dims<"T">>) {
  ^bb0(%t: tensor<i64>, %u0: tensor<f32>, %x1: tensor<1000xf32>):
    %v = nd.broadcast %u0 dims = [] : tensor<f32> to tensor<1000xf32>
    %q = nd.mul %x1, %v : tensor<1000xf32>
    %r = nd.dot %q, %w batch [], [] contract [0], [0] : tensor<1000xf32>, tensor<1000xf32> to tensor<f32>
    nd.yield %q, %r : tensor<1000xf32>, tensor<f32>
  }
  func.return %y : tensor<?xf32, #nd.dims<"T">>
}
