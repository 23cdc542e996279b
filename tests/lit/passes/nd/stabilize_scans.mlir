// RUN: irc-opt %s -p nd-stabilize-scans,nd-simplify-scans,nd-stabilize | filecheck %s

// CHECK-LABEL: @log_of_a_scanned_sigmoid
func.func @log_of_a_scanned_sigmoid(%w: tensor<3x3xf64>, %x0: tensor<1x3xf64>) -> (tensor<?x3xf64, #nd.dims<"T">>, tensor<?x3xf64, #nd.dims<"T">>) {
  // CHECK: %h, %l, %m = nd.scan "T" from (%x0[1])
  %h = nd.scan "T" from (history %x0[1]) : (tensor<1x3xf64>) -> (tensor<?x3xf64, #nd.dims<"T + 1">>) {
  ^bb0(%t: tensor<i64>, %x1: tensor<3xf64>):
    // CHECK: %z = nd.dot
    %z = nd.dot %w, %x1 batch [], [] contract [1], [0] : tensor<3x3xf64>, tensor<3xf64> to tensor<3xf64>
    // CHECK: %s = nd.sigmoid %z
    %s = nd.sigmoid %z : tensor<3xf64>
    // CHECK-DAG: nd.softplus %z
    // CHECK-DAG: nd.neg %z
    nd.yield %s : tensor<3xf64>
  }
  %s = nd.slice %h[] at <"1", "0"> step [1, 1] : tensor<?x3xf64, #nd.dims<"T + 1">> to tensor<?x3xf64, #nd.dims<"T">>
  %l = nd.log %s : tensor<?x3xf64, #nd.dims<"T">>
  %one = nd.full 1.0 : f64 : tensor<?x3xf64, #nd.dims<"T">>
  %r = nd.sub %one, %s : tensor<?x3xf64, #nd.dims<"T">>
  // CHECK-NOT: nd.log
  %m = nd.log %r : tensor<?x3xf64, #nd.dims<"T">>
  // CHECK: return %l, %m
  func.return %l, %m : tensor<?x3xf64, #nd.dims<"T">>, tensor<?x3xf64, #nd.dims<"T">>
}

// The last row, in reverse.
// CHECK-LABEL: @log_of_the_last_row
func.func @log_of_the_last_row(%x0: tensor<1x3xf64>) -> tensor<3xf64> {
  // CHECK: nd.scan "T + 1" reverse
  %h = nd.scan "T + 1" reverse from (history %x0[1]) : (tensor<1x3xf64>) -> (tensor<?x3xf64, #nd.dims<"T + 2">>) {
  ^bb0(%t: tensor<i64>, %x1: tensor<3xf64>):
    // CHECK: nd.softplus
    %s = nd.sigmoid %x1 : tensor<3xf64>
    nd.yield %s : tensor<3xf64>
  }
  // CHECK-NOT: nd.log
  %l = nd.slice %h[] at <"0", "0"> step [1, 1] : tensor<?x3xf64, #nd.dims<"T + 2">> to tensor<1x3xf64>
  %r = nd.reshape %l : tensor<1x3xf64> to tensor<3xf64>
  %y = nd.log %r : tensor<3xf64>
  func.return %y : tensor<3xf64>
}

// CHECK-LABEL: @cross_entropy_of_a_scanned_softmax
func.func @cross_entropy_of_a_scanned_softmax(%u: tensor<?x5xf64, #nd.dims<"T">>, %i: tensor<?xi64, #nd.dims<"T">>, %k: tensor<?xi64, #nd.dims<"T">>) -> (tensor<?xf64, #nd.dims<"T">>, tensor<?xf64, #nd.dims<"T">>) {
  // CHECK: nd.scan
  %p = nd.scan "T" over (%u[0]) : (tensor<?x5xf64, #nd.dims<"T">>) -> (tensor<?x5xf64, #nd.dims<"T">>) {
  ^bb0(%t: tensor<i64>, %u0: tensor<5xf64>):
    %e = nd.exp %u0 : tensor<5xf64>
    %s = nd.sum %e axes = [0] : tensor<5xf64> to tensor<f64>
    %n = nd.broadcast %s dims = [] : tensor<f64> to tensor<5xf64>
    %q = nd.div %e, %n : tensor<5xf64>
    // CHECK: nd.max
    // CHECK: nd.yield
    nd.yield %q : tensor<5xf64>
  }
  // CHECK: nd.gather
  %c = nd.gather %p[%i, %k] axes = [0, 1] in_bounds : tensor<?x5xf64, #nd.dims<"T">>, tensor<?xi64, #nd.dims<"T">>, tensor<?xi64, #nd.dims<"T">> to tensor<?xf64, #nd.dims<"T">>
  %l = nd.log %c : tensor<?xf64, #nd.dims<"T">>
  // Outside of the stack a gather gives 0.
  %d = nd.gather %p[%i, %k] axes = [0, 1] : tensor<?x5xf64, #nd.dims<"T">>, tensor<?xi64, #nd.dims<"T">>, tensor<?xi64, #nd.dims<"T">> to tensor<?xf64, #nd.dims<"T">>
  // CHECK: %m = nd.log
  %m = nd.log %d : tensor<?xf64, #nd.dims<"T">>
  func.return %l, %m : tensor<?xf64, #nd.dims<"T">>, tensor<?xf64, #nd.dims<"T">>
}

// Rows from before the first step are not those of the body, and a plain function stays outside.
// CHECK-LABEL: @what_stays_outside
func.func @what_stays_outside(%u: tensor<?x3xf64, #nd.dims<"T">>, %x0: tensor<1x3xf64>) -> (tensor<?x3xf64, #nd.dims<"T + 1">>, tensor<?x3xf64, #nd.dims<"T">>) {
  // CHECK: %h, %y = nd.scan
  %h, %y = nd.scan "T" over (%u[0]) from (history %x0[1]) : (tensor<?x3xf64, #nd.dims<"T">>, tensor<1x3xf64>) -> (tensor<?x3xf64, #nd.dims<"T + 1">>, tensor<?x3xf64, #nd.dims<"T">>) {
  ^bb0(%t: tensor<i64>, %u0: tensor<3xf64>, %x1: tensor<3xf64>):
    // CHECK-NEXT: ^bb0
    // CHECK-NEXT: nd.sigmoid
    %s = nd.sigmoid %x1 : tensor<3xf64>
    // CHECK-NEXT: nd.tanh
    %q = nd.tanh %u0 : tensor<3xf64>
    // CHECK-NEXT: nd.yield
    nd.yield %s, %q : tensor<3xf64>, tensor<3xf64>
  }
  // CHECK: nd.log %h
  %l = nd.log %h : tensor<?x3xf64, #nd.dims<"T + 1">>
  // CHECK: nd.log %y
  %m = nd.log %y : tensor<?x3xf64, #nd.dims<"T">>
  func.return %l, %m : tensor<?x3xf64, #nd.dims<"T + 1">>, tensor<?x3xf64, #nd.dims<"T">>
}

// A derivative with respect to the stack sees what is computed from it.
// CHECK-LABEL: @what_is_derived_by
func.func @what_is_derived_by(%x0: tensor<1xf64>) -> tensor<?xf64, #nd.dims<"T">> {
  %y = nd.scan "T" from (%x0[1]) : (tensor<1xf64>) -> (tensor<1xf64>) {
  ^bb0(%t: tensor<i64>, %x1: tensor<f64>):
    nd.yield %x1 : tensor<f64>
  }
  %h = nd.scan "T" from (history %y[1]) : (tensor<1xf64>) -> (tensor<?xf64, #nd.dims<"T + 1">>) {
  ^bb0(%t: tensor<i64>, %x1: tensor<f64>):
    %s = nd.sigmoid %x1 : tensor<f64>
    nd.yield %s : tensor<f64>
  }
  %s = nd.slice %h[] at <"1"> step [1] : tensor<?xf64, #nd.dims<"T + 1">> to tensor<?xf64, #nd.dims<"T">>
  // CHECK: nd.log %s
  %l = nd.log %s : tensor<?xf64, #nd.dims<"T">>
  %c = nd.sum %l axes = [0] : tensor<?xf64, #nd.dims<"T">> to tensor<f64>
  %g = nd.grad %c wrt %s : tensor<f64> wrt tensor<?xf64, #nd.dims<"T">> -> tensor<?xf64, #nd.dims<"T">>
  func.return %g : tensor<?xf64, #nd.dims<"T">>
}

// CHECK-LABEL: @log_of_a_row_of_exponentials
func.func @log_of_a_row_of_exponentials(%u: tensor<?x3xf64, #nd.dims<"T + 2">>, %x0: tensor<1x3xf64>) -> tensor<1x3xf64> {
  %e = nd.exp %u : tensor<?x3xf64, #nd.dims<"T + 2">>
  // CHECK-NEXT: nd.scan "T" over (%u[1]) from
  %x = nd.scan "T" over (%e[1]) from (%x0[1]) : (tensor<?x3xf64, #nd.dims<"T + 2">>, tensor<1x3xf64>) -> (tensor<1x3xf64>) {
  ^bb0(%t: tensor<i64>, %e1: tensor<3xf64>, %x1: tensor<3xf64>):
    %l = nd.log %e1 : tensor<3xf64>
    // CHECK-NOT: nd.log
    %y = nd.add %l, %x1 : tensor<3xf64>
    nd.yield %y : tensor<3xf64>
  }
  func.return %x : tensor<1x3xf64>
}
