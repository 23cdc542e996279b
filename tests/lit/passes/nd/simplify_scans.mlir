// RUN: irc-opt %s -p nd-simplify-scans | filecheck %s

// CHECK-LABEL: @what_nothing_reads_leaves
func.func @what_nothing_reads_leaves(%u: tensor<?xf64, #nd.dims<"T">>, %v: tensor<?xf64, #nd.dims<"T + 2">>, %x0: tensor<1xf64>, %z0: tensor<2xf64>) -> tensor<1xf64> {
  // CHECK-NEXT: nd.scan "T" over (%v[2]) from (%x0[1]) : (tensor<?xf64, #nd.dims<"T + 2">>, tensor<1xf64>) -> (tensor<1xf64>) {
  // CHECK-NEXT: ^bb0(%t: tensor<i64>, %v2: tensor<f64>, %x1: tensor<f64>):
  %x, %z, %y = nd.scan "T" over (%u[0], %v[0, 2]) from (%x0[1], history %z0[1, 2]) : (tensor<?xf64, #nd.dims<"T">>, tensor<?xf64, #nd.dims<"T + 2">>, tensor<1xf64>, tensor<2xf64>) -> (tensor<1xf64>, tensor<?xf64, #nd.dims<"T + 2">>, tensor<?xf64, #nd.dims<"T">>) {
  ^bb0(%t: tensor<i64>, %u0: tensor<f64>, %v0: tensor<f64>, %v2: tensor<f64>, %x1: tensor<f64>, %z1: tensor<f64>, %z2: tensor<f64>):
    %a = nd.add %z1, %z2 : tensor<f64>
    %b = nd.mul %a, %u0 : tensor<f64>
    // CHECK-NEXT: nd.add %x1, %v2
    %c = nd.add %x1, %v2 : tensor<f64>
    // CHECK-NEXT: nd.yield %c
    nd.yield %c, %b, %a : tensor<f64>, tensor<f64>, tensor<f64>
  }
  func.return %x : tensor<1xf64>
}

// CHECK-LABEL: @what_is_checked_stays
func.func @what_is_checked_stays(%z0: tensor<1xf64>) -> tensor<1xf64> {
  // CHECK: nd.scan "9" from (%z0[1])
  %z, %y = nd.scan "9" from (history %z0[1]) : (tensor<1xf64>) -> (tensor<10xf64>, tensor<9xf64>) {
  ^bb0(%t: tensor<i64>, %z1: tensor<f64>):
    %a = nd.exp %z1 : tensor<f64>
    nd.print "{0}"(%a) : tensor<f64>
    nd.yield %a, %a : tensor<f64>, tensor<f64>
  }
  func.return %z0 : tensor<1xf64>
}

// CHECK-LABEL: @the_last_row_of_a_history
func.func @the_last_row_of_a_history(%x0: tensor<2x3xf64>) -> tensor<3xf64> {
  // CHECK-NEXT: %h = nd.scan "T" from (%x0[1, 2]) : (tensor<2x3xf64>) -> (tensor<2x3xf64>) {
  %h = nd.scan "T" from (history %x0[1, 2]) : (tensor<2x3xf64>) -> (tensor<?x3xf64, #nd.dims<"T + 2">>) {
  ^bb0(%t: tensor<i64>, %x1: tensor<3xf64>, %x2: tensor<3xf64>):
    %c = nd.add %x1, %x2 : tensor<3xf64>
    nd.yield %c : tensor<3xf64>
  }
  // CHECK: nd.slice %h[] at <"1", "0"> step [1, 1] : tensor<2x3xf64> to tensor<1x3xf64>
  %x = nd.slice %h[] at <"2", "0"> step [1, 1] : tensor<?x3xf64, #nd.dims<"T + 2">> to tensor<?x3xf64, #nd.dims<"T">>
  %l = nd.slice %x[] at <"T - 1", "0"> step [1, 1] : tensor<?x3xf64, #nd.dims<"T">> to tensor<1x3xf64>
  %r = nd.reshape %l : tensor<1x3xf64> to tensor<3xf64>
  func.return %r : tensor<3xf64>
}

// In reverse the last row that is made stands first.
// CHECK-LABEL: @the_last_rows_in_reverse
func.func @the_last_rows_in_reverse(%x0: tensor<1xf64>) -> (tensor<2xf64>, tensor<1xf64>) {
  // CHECK-NEXT: nd.full 0.000000e+00 : f64 : tensor<1xf64>
  // CHECK-NEXT: nd.concat %x0, %{{.*}} axis = 0
  // CHECK-NEXT: nd.full 0.000000e+00 : f64 : tensor<1xf64>
  // CHECK-NEXT: %h, %y = nd.scan "T" reverse from (%{{.*}}[1], %{{.*}}[])
  %h, %y = nd.scan "T" reverse from (history %x0[1]) : (tensor<1xf64>) -> (tensor<?xf64, #nd.dims<"T + 1">>, tensor<?xf64, #nd.dims<"T">>) {
  ^bb0(%t: tensor<i64>, %x1: tensor<f64>):
    %c = nd.exp %x1 : tensor<f64>
    %d = nd.sin %x1 : tensor<f64>
    nd.yield %c, %d : tensor<f64>, tensor<f64>
  }
  // CHECK-NOT: nd.slice
  // CHECK: return %h, %y
  %a = nd.slice %h[] at <"0"> step [1] : tensor<?xf64, #nd.dims<"T + 1">> to tensor<2xf64>
  %b = nd.slice %y[] at <"0"> step [1] : tensor<?xf64, #nd.dims<"T">> to tensor<1xf64>
  func.return %a, %b : tensor<2xf64>, tensor<1xf64>
}

// CHECK-LABEL: @rows_in_the_middle_need_the_stack
func.func @rows_in_the_middle_need_the_stack(%x0: tensor<1xf64>) -> tensor<1xf64> {
  // CHECK: nd.scan "T" from (history %x0[1])
  %h = nd.scan "T" from (history %x0[1]) : (tensor<1xf64>) -> (tensor<?xf64, #nd.dims<"T + 1">>) {
  ^bb0(%t: tensor<i64>, %x1: tensor<f64>):
    %c = nd.exp %x1 : tensor<f64>
    nd.yield %c : tensor<f64>
  }
  %a = nd.slice %h[] at <"3"> step [1] : tensor<?xf64, #nd.dims<"T + 1">> to tensor<1xf64>
  func.return %a : tensor<1xf64>
}

// CHECK-LABEL: @what_is_one_value_is_captured
func.func @what_is_one_value_is_captured(%c: tensor<3xf64>, %x0: tensor<1x3xf64>, %s0: tensor<1x3xf64>) -> (tensor<?x3xf64, #nd.dims<"T + 1">>, tensor<1x3xf64>, tensor<?x3xf64, #nd.dims<"T">>) {
  %u = nd.broadcast %c dims = [1] : tensor<3xf64> to tensor<?x3xf64, #nd.dims<"T">>
  // CHECK: %[[s:.*]] = nd.reshape %s0
  // CHECK-NEXT: %[[y:.*]] = nd.broadcast %c dims = [1]
  // CHECK-NEXT: %x = nd.scan "T" from (history %x0[1])
  %x, %s, %y = nd.scan "T" over (%u[0]) from (history %x0[1], %s0[1]) : (tensor<?x3xf64, #nd.dims<"T">>, tensor<1x3xf64>, tensor<1x3xf64>) -> (tensor<?x3xf64, #nd.dims<"T + 1">>, tensor<1x3xf64>, tensor<?x3xf64, #nd.dims<"T">>) {
  ^bb0(%t: tensor<i64>, %u0: tensor<3xf64>, %x1: tensor<3xf64>, %s1: tensor<3xf64>):
    // CHECK: nd.add %x1, %c
    %a = nd.add %x1, %u0 : tensor<3xf64>
    // CHECK: nd.add %a, %[[s]]
    %b = nd.add %a, %s1 : tensor<3xf64>
    // CHECK: nd.yield %b :
    nd.yield %b, %s1, %u0 : tensor<3xf64>, tensor<3xf64>, tensor<3xf64>
  }
  // CHECK: return %x, %s0, %[[y]]
  func.return %x, %s, %y : tensor<?x3xf64, #nd.dims<"T + 1">>, tensor<1x3xf64>, tensor<?x3xf64, #nd.dims<"T">>
}

// CHECK-LABEL: @equal_things_are_one
func.func @equal_things_are_one(%u: tensor<?xf64, #nd.dims<"T + 2">>, %x0: tensor<1xf64>) -> (tensor<1xf64>, tensor<?xf64, #nd.dims<"T + 1">>, tensor<?xf64, #nd.dims<"T">>) {
  // CHECK-NEXT: %z = nd.scan "T" over (%u[0, 2]) from (history %x0[1])
  %x, %z, %y = nd.scan "T" over (%u[0], %u[0, 2]) from (%x0[1], history %x0[1]) : (tensor<?xf64, #nd.dims<"T + 2">>, tensor<?xf64, #nd.dims<"T + 2">>, tensor<1xf64>, tensor<1xf64>) -> (tensor<1xf64>, tensor<?xf64, #nd.dims<"T + 1">>, tensor<?xf64, #nd.dims<"T">>) {
  ^bb0(%t: tensor<i64>, %u0: tensor<f64>, %v0: tensor<f64>, %v2: tensor<f64>, %x1: tensor<f64>, %z1: tensor<f64>):
    // CHECK: nd.add %u0, %u0
    %a = nd.add %u0, %v0 : tensor<f64>
    %b = nd.mul %a, %v2 : tensor<f64>
    // CHECK: nd.add %z1, %z1
    %c = nd.add %x1, %z1 : tensor<f64>
    %d = nd.mul %b, %c : tensor<f64>
    nd.yield %d, %d, %d : tensor<f64>, tensor<f64>, tensor<f64>
  }
  // CHECK: nd.slice %z[] at <"1">
  // CHECK: nd.slice %z[] at <"T">
  func.return %x, %z, %y : tensor<1xf64>, tensor<?xf64, #nd.dims<"T + 1">>, tensor<?xf64, #nd.dims<"T">>
}

// CHECK-LABEL: @rows_are_read_at_the_source
func.func @rows_are_read_at_the_source(%u: tensor<?x3xf64, #nd.dims<"T">>, %before: tensor<4x3xf64>, %z: tensor<?x3xf64, #nd.dims<"T + 2">>, %x0: tensor<1x3xf64>) -> tensor<1x3xf64> {
  // CHECK-NEXT: %w = nd.concat %before, %u
  %w = nd.concat %before, %u axis = 0 : tensor<4x3xf64>, tensor<?x3xf64, #nd.dims<"T">> to tensor<?x3xf64, #nd.dims<"T + 4">>
  %v = nd.insert_slice %u into %z[] at <"1", "0"> step [1, 1] : tensor<?x3xf64, #nd.dims<"T">> into tensor<?x3xf64, #nd.dims<"T + 2">>
  %s = nd.slice %z[] at <"2", "0"> step [1, 1] : tensor<?x3xf64, #nd.dims<"T + 2">> to tensor<?x3xf64, #nd.dims<"T">>
  %p = nd.slice %v[] at <"1", "0"> step [1, 1] : tensor<?x3xf64, #nd.dims<"T + 2">> to tensor<?x3xf64, #nd.dims<"T">>
  // CHECK-NEXT: nd.scan "T" over (%w[1], %u[0], %z[2]) from (%x0[1])
  %x = nd.scan "T" over (%w[1, 4], %s[0], %p[0]) from (%x0[1]) : (tensor<?x3xf64, #nd.dims<"T + 4">>, tensor<?x3xf64, #nd.dims<"T">>, tensor<?x3xf64, #nd.dims<"T">>, tensor<1x3xf64>) -> (tensor<1x3xf64>) {
  // CHECK-NEXT: ^bb0(%t: tensor<i64>, %w1: tensor<3xf64>, %w4: tensor<3xf64>, %s0: tensor<3xf64>, %x1: tensor<3xf64>):
  ^bb0(%t: tensor<i64>, %w1: tensor<3xf64>, %w4: tensor<3xf64>, %s0: tensor<3xf64>, %p0: tensor<3xf64>, %x1: tensor<3xf64>):
    %a = nd.mul %w1, %w4 : tensor<3xf64>
    %b = nd.mul %s0, %p0 : tensor<3xf64>
    // CHECK: nd.mul %s0, %w4
    %c = nd.add %a, %b : tensor<3xf64>
    %d = nd.add %c, %x1 : tensor<3xf64>
    nd.yield %d : tensor<3xf64>
  }
  func.return %x : tensor<1x3xf64>
}

// That n has as many rows as T + 1 is known where the slice is, and not to the scan.
// CHECK-LABEL: @rows_that_nothing_proves_to_be_there
func.func @rows_that_nothing_proves_to_be_there(%u: tensor<?xf64, #nd.dims<"n">>, %x0: tensor<1xf64>) -> tensor<1xf64> {
  %s = nd.slice %u[] at <"0"> step [1] : tensor<?xf64, #nd.dims<"n">> to tensor<?xf64, #nd.dims<"T + 1">>
  // CHECK: nd.scan "T" over (%s[1])
  %x = nd.scan "T" over (%s[1]) from (%x0[1]) : (tensor<?xf64, #nd.dims<"T + 1">>, tensor<1xf64>) -> (tensor<1xf64>) {
  ^bb0(%t: tensor<i64>, %s1: tensor<f64>, %x1: tensor<f64>):
    %d = nd.add %s1, %x1 : tensor<f64>
    nd.yield %d : tensor<f64>
  }
  func.return %x : tensor<1xf64>
}

// CHECK-LABEL: @no_step_and_one
func.func @no_step_and_one(%u: tensor<3xf64>, %x0: tensor<2xf64>) -> (tensor<2xf64>, tensor<0xf64>, tensor<2xf64>, tensor<1xf64>) {
  // CHECK-NOT: nd.scan
  %x, %y = nd.scan "0" over (%u[0]) from (%x0[1, 2]) : (tensor<3xf64>, tensor<2xf64>) -> (tensor<2xf64>, tensor<0xf64>) {
  ^bb0(%t: tensor<i64>, %u0: tensor<f64>, %x1: tensor<f64>, %x2: tensor<f64>):
    %c = nd.add %x1, %x2 : tensor<f64>
    nd.yield %c, %u0 : tensor<f64>, tensor<f64>
  }
  // CHECK: nd.print
  %z, %w = nd.scan "1" over (%u[0]) from (%x0[1, 2]) : (tensor<3xf64>, tensor<2xf64>) -> (tensor<2xf64>, tensor<1xf64>) {
  ^bb0(%t: tensor<i64>, %u0: tensor<f64>, %x1: tensor<f64>, %x2: tensor<f64>):
    nd.print "{0}"(%t) : tensor<i64>
    // CHECK: %c = nd.add
    %c = nd.add %x1, %x2 : tensor<f64>
    nd.yield %c, %u0 : tensor<f64>, tensor<f64>
  }
  func.return %x, %y, %z, %w : tensor<2xf64>, tensor<0xf64>, tensor<2xf64>, tensor<1xf64>
}

// CHECK-LABEL: @carried_by_a_search
func.func @carried_by_a_search(%x: tensor<f64>, %eps: tensor<f64>) -> tensor<f64> {
  // CHECK-NEXT: nd.while %x : tensor<f64> while
  %r, %e, %n = nd.while %x, %eps, %x : tensor<f64>, tensor<f64>, tensor<f64> while {
  ^bb0(%y: tensor<f64>, %f: tensor<f64>, %k: tensor<f64>):
    // CHECK: nd.gt %y, %eps
    %c = nd.gt %y, %f : tensor<f64>
    nd.yield %c : tensor<i1>
  } do {
  ^bb0(%y: tensor<f64>, %f: tensor<f64>, %k: tensor<f64>):
    %s = nd.sqrt %y : tensor<f64>
    // CHECK-NOT: nd.exp
    %m = nd.exp %k : tensor<f64>
    nd.yield %s, %f, %m : tensor<f64>, tensor<f64>, tensor<f64>
  } -> tensor<f64>, tensor<f64>, tensor<f64>
  func.return %r : tensor<f64>
}
