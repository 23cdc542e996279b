// RUN: irc-opt %s -p nd-stabilize --split-input-file | filecheck %s

// CHECK-LABEL: @log_of_plus_one
func.func @log_of_plus_one(%x: tensor<3xf64>) -> (tensor<3xf64>, tensor<3xf64>, tensor<3xf64>) {
  %one = nd.full 1.0 : f64 : tensor<3xf64>
  %a = nd.add %x, %one : tensor<3xf64>
  %b = nd.add %one, %x : tensor<3xf64>
  %minus = nd.full -1.0 : f64 : tensor<3xf64>
  %c = nd.sub %x, %minus : tensor<3xf64>
  // CHECK-NEXT: nd.log1p %x
  %p = nd.log %a : tensor<3xf64>
  // CHECK-NEXT: nd.log1p %x
  %q = nd.log %b : tensor<3xf64>
  // CHECK-NEXT: nd.log1p %x
  %r = nd.log %c : tensor<3xf64>
  func.return %p, %q, %r : tensor<3xf64>, tensor<3xf64>, tensor<3xf64>
}

// CHECK-LABEL: @log_of_plus_two_is_kept
func.func @log_of_plus_two_is_kept(%x: tensor<3xf64>) -> tensor<3xf64> {
  %two = nd.full 2.0 : f64 : tensor<3xf64>
  // CHECK: %a = nd.add
  %a = nd.add %x, %two : tensor<3xf64>
  // CHECK-NEXT: nd.log %a
  %b = nd.log %a : tensor<3xf64>
  func.return %b : tensor<3xf64>
}

// CHECK-LABEL: @log_of_one_minus
func.func @log_of_one_minus(%x: tensor<3xf64>) -> tensor<3xf64> {
  %one = nd.full 1.0 : f64 : tensor<3xf64>
  %a = nd.sub %one, %x : tensor<3xf64>
  // CHECK-NEXT: [[N:%.*]] = nd.neg %x
  // CHECK-NEXT: nd.log1p [[N]]
  %b = nd.log %a : tensor<3xf64>
  func.return %b : tensor<3xf64>
}

// CHECK-LABEL: @exp_minus_one
func.func @exp_minus_one(%x: tensor<3xf64>) -> (tensor<3xf64>, tensor<3xf64>, tensor<3xf64>) {
  %one = nd.full 1.0 : f64 : tensor<3xf64>
  %minus = nd.full -1.0 : f64 : tensor<3xf64>
  %e = nd.exp %x : tensor<3xf64>
  // CHECK-NEXT: nd.expm1 %x
  %a = nd.sub %e, %one : tensor<3xf64>
  // CHECK-NEXT: nd.expm1 %x
  %b = nd.add %minus, %e : tensor<3xf64>
  // CHECK-NEXT: [[M:%.*]] = nd.expm1 %x
  // CHECK-NEXT: nd.neg [[M]]
  %c = nd.sub %one, %e : tensor<3xf64>
  func.return %a, %b, %c : tensor<3xf64>, tensor<3xf64>, tensor<3xf64>
}

// CHECK-LABEL: @exp_plus_one_is_kept
func.func @exp_plus_one_is_kept(%x: tensor<3xf64>) -> tensor<3xf64> {
  %one = nd.full 1.0 : f64 : tensor<3xf64>
  // CHECK: %e = nd.exp %x
  %e = nd.exp %x : tensor<3xf64>
  // CHECK-NEXT: nd.add %e
  %a = nd.add %e, %one : tensor<3xf64>
  func.return %a : tensor<3xf64>
}

// CHECK-LABEL: @log_of_exp
func.func @log_of_exp(%x: tensor<3xf64>) -> tensor<3xf64> {
  %e = nd.exp %x : tensor<3xf64>
  %a = nd.log %e : tensor<3xf64>
  // CHECK-NEXT: func.return %x
  func.return %a : tensor<3xf64>
}

// The other way round, a negative x gives NaN.
// CHECK-LABEL: @exp_of_log_is_kept
func.func @exp_of_log_is_kept(%x: tensor<3xf64>) -> tensor<3xf64> {
  // CHECK-NEXT: %e = nd.log %x
  %e = nd.log %x : tensor<3xf64>
  // CHECK-NEXT: nd.exp %e
  %a = nd.exp %e : tensor<3xf64>
  func.return %a : tensor<3xf64>
}

// CHECK-LABEL: @root_of_square
func.func @root_of_square(%x: tensor<3xf64>) -> tensor<3xf64> {
  %e = nd.square %x : tensor<3xf64>
  // CHECK-NEXT: nd.abs %x
  %a = nd.sqrt %e : tensor<3xf64>
  func.return %a : tensor<3xf64>
}

// CHECK-LABEL: @logistic
func.func @logistic(%x: tensor<3xf64>) -> (tensor<3xf64>, tensor<3xf64>, tensor<3xf64>) {
  %one = nd.full 1.0 : f64 : tensor<3xf64>
  %n = nd.neg %x : tensor<3xf64>
  %e = nd.exp %n : tensor<3xf64>
  %s = nd.add %one, %e : tensor<3xf64>
  // CHECK: nd.sigmoid %x
  %a = nd.div %one, %s : tensor<3xf64>
  // CHECK-NEXT: nd.sigmoid %x
  %b = nd.reciprocal %s : tensor<3xf64>
  // CHECK-NEXT: nd.sigmoid %n
  %c = nd.div %e, %s : tensor<3xf64>
  func.return %a, %b, %c : tensor<3xf64>, tensor<3xf64>, tensor<3xf64>
}

// CHECK-LABEL: @two_over_one_plus_exp_is_kept
func.func @two_over_one_plus_exp_is_kept(%x: tensor<3xf64>) -> tensor<3xf64> {
  %one = nd.full 1.0 : f64 : tensor<3xf64>
  %two = nd.full 2.0 : f64 : tensor<3xf64>
  %e = nd.exp %x : tensor<3xf64>
  %s = nd.add %e, %one : tensor<3xf64>
  // CHECK: nd.div
  %a = nd.div %two, %s : tensor<3xf64>
  func.return %a : tensor<3xf64>
}

// CHECK-LABEL: @one_minus_sigmoid
func.func @one_minus_sigmoid(%x: tensor<3xf64>) -> tensor<3xf64> {
  %one = nd.full 1.0 : f64 : tensor<3xf64>
  %s = nd.sigmoid %x : tensor<3xf64>
  // CHECK-NEXT: [[N:%.*]] = nd.neg %x
  // CHECK-NEXT: nd.sigmoid [[N]]
  %a = nd.sub %one, %s : tensor<3xf64>
  func.return %a : tensor<3xf64>
}

// CHECK-LABEL: @log_of_sigmoid
func.func @log_of_sigmoid(%x: tensor<3xf64>) -> (tensor<3xf64>, tensor<3xf64>) {
  %s = nd.sigmoid %x : tensor<3xf64>
  // CHECK: [[N:%.*]] = nd.neg %x
  // CHECK-NEXT: [[P:%.*]] = nd.softplus [[N]]
  // CHECK-NEXT: nd.neg [[P]]
  %a = nd.log %s : tensor<3xf64>
  %one = nd.full 1.0 : f64 : tensor<3xf64>
  %t = nd.sub %one, %s : tensor<3xf64>
  // CHECK: [[Q:%.*]] = nd.softplus %x
  // CHECK-NEXT: nd.neg [[Q]]
  %b = nd.log %t : tensor<3xf64>
  func.return %a, %b : tensor<3xf64>, tensor<3xf64>
}

// CHECK-LABEL: @log1p_of_minus_sigmoid
func.func @log1p_of_minus_sigmoid(%x: tensor<3xf64>) -> tensor<3xf64> {
  %s = nd.sigmoid %x : tensor<3xf64>
  %n = nd.neg %s : tensor<3xf64>
  // CHECK-NEXT: [[Q:%.*]] = nd.softplus %x
  // CHECK-NEXT: nd.neg [[Q]]
  %a = nd.log1p %n : tensor<3xf64>
  func.return %a : tensor<3xf64>
}

// CHECK-LABEL: @log1p_of_exp
func.func @log1p_of_exp(%x: tensor<3xf64>) -> (tensor<3xf64>, tensor<3xf64>) {
  %one = nd.full 1.0 : f64 : tensor<3xf64>
  %e = nd.exp %x : tensor<3xf64>
  // CHECK-NEXT: nd.softplus %x
  %a = nd.log1p %e : tensor<3xf64>
  %s = nd.add %e, %one : tensor<3xf64>
  // CHECK-NEXT: nd.softplus %x
  %b = nd.log %s : tensor<3xf64>
  func.return %a, %b : tensor<3xf64>, tensor<3xf64>
}

// CHECK-LABEL: @log_of_two_exponentials
func.func @log_of_two_exponentials(%x: tensor<3xf64>, %y: tensor<3xf64>) -> tensor<3xf64> {
  %e = nd.exp %x : tensor<3xf64>
  %f = nd.exp %y : tensor<3xf64>
  %s = nd.add %e, %f : tensor<3xf64>
  // CHECK-NEXT: [[D:%.*]] = nd.sub %x, %y
  // CHECK-NEXT: [[A:%.*]] = nd.abs [[D]]
  // CHECK-NEXT: [[N:%.*]] = nd.neg [[A]]
  // CHECK-NEXT: [[P:%.*]] = nd.softplus [[N]]
  // CHECK-NEXT: [[M:%.*]] = nd.maximum %x, %y
  // CHECK-NEXT: nd.add [[M]], [[P]]
  %a = nd.log %s : tensor<3xf64>
  func.return %a : tensor<3xf64>
}

// CHECK-LABEL: @log_of_softmax
func.func @log_of_softmax(%x: tensor<?x4xf64, #nd.dims<"n">>) -> tensor<?x4xf64, #nd.dims<"n">> {
  %e = nd.exp %x : tensor<?x4xf64, #nd.dims<"n">>
  %s = nd.sum %e axes = [1] : tensor<?x4xf64, #nd.dims<"n">> to tensor<?xf64, #nd.dims<"n">>
  %t = nd.broadcast %s dims = [0] : tensor<?xf64, #nd.dims<"n">> to tensor<?x4xf64, #nd.dims<"n">>
  %q = nd.div %e, %t : tensor<?x4xf64, #nd.dims<"n">>
  // CHECK: [[M:%.*]] = nd.max %x axes = [1]
  // CHECK: [[D:%.*]] = nd.sub %x
  // CHECK: [[E:%.*]] = nd.exp [[D]]
  // CHECK: [[S:%.*]] = nd.sum [[E]] axes = [1]
  // CHECK: [[L:%.*]] = nd.log [[S]]
  // CHECK: [[B:%.*]] = nd.broadcast [[L]]
  // CHECK: nd.sub [[D]], [[B]]
  // CHECK-NOT: nd.div
  %r = nd.log %q : tensor<?x4xf64, #nd.dims<"n">>
  func.return %r : tensor<?x4xf64, #nd.dims<"n">>
}

// CHECK-LABEL: @log_of_chosen_softmax
func.func @log_of_chosen_softmax(%x: tensor<4xf64>, %i: tensor<2xi32>) -> (tensor<2xf64>, tensor<2xf64>) {
  %e = nd.exp %x : tensor<4xf64>
  %s = nd.sum %e axes = [0] : tensor<4xf64> to tensor<f64>
  %t = nd.broadcast %s dims = [] : tensor<f64> to tensor<4xf64>
  %q = nd.div %e, %t : tensor<4xf64>
  %c = nd.gather %q[%i] axes = [0] in_bounds : tensor<4xf64>, tensor<2xi32> to tensor<2xf64>
  // CHECK: [[D:%.*]] = nd.sub
  // CHECK: nd.gather
  %a = nd.log %c : tensor<2xf64>
  // Outside, the first gather gives 0 and its logarithm -inf.
  // CHECK: %d = nd.gather
  // CHECK-NEXT: nd.log %d
  %d = nd.gather %q[%i] axes = [0] : tensor<4xf64>, tensor<2xi32> to tensor<2xf64>
  %b = nd.log %d : tensor<2xf64>
  func.return %a, %b : tensor<2xf64>, tensor<2xf64>
}

// CHECK-LABEL: @log_of_sum_of_exponentials
func.func @log_of_sum_of_exponentials(%x: tensor<3x4xf64>) -> tensor<3xf64> {
  %e = nd.exp %x : tensor<3x4xf64>
  %s = nd.sum %e axes = [1] : tensor<3x4xf64> to tensor<3xf64>
  // CHECK: [[L:%.*]] = nd.max %x axes = [1]
  // CHECK-NEXT: [[F:%.*]] = nd.isfinite [[L]]
  // CHECK: [[M:%.*]] = nd.where [[F]], [[L]]
  // CHECK: [[B:%.*]] = nd.broadcast [[M]]
  // CHECK: [[D:%.*]] = nd.sub %x, [[B]]
  // CHECK: [[E:%.*]] = nd.exp [[D]]
  // CHECK: [[S:%.*]] = nd.sum [[E]]
  // CHECK: [[G:%.*]] = nd.log [[S]]
  // CHECK-NEXT: nd.add [[M]], [[G]]
  %r = nd.log %s : tensor<3xf64>
  func.return %r : tensor<3xf64>
}

// CHECK-LABEL: @a_sum_of_maybe_nothing_has_no_maximum
func.func @a_sum_of_maybe_nothing_has_no_maximum(%x: tensor<?xf64, #nd.dims<"n">>) -> tensor<f64> {
  %e = nd.exp %x : tensor<?xf64, #nd.dims<"n">>
  %s = nd.sum %e axes = [0] : tensor<?xf64, #nd.dims<"n">> to tensor<f64>
  // CHECK-NOT: nd.max
  %r = nd.log %s : tensor<f64>
  func.return %r : tensor<f64>
}

// CHECK-LABEL: @shifted_already
func.func @shifted_already(%x: tensor<4xf64>) -> tensor<f64> {
  // CHECK-COUNT-1: nd.max
  %m = nd.max %x axes = [0] : tensor<4xf64> to tensor<f64>
  %b = nd.broadcast %m dims = [] : tensor<f64> to tensor<4xf64>
  %d = nd.sub %x, %b : tensor<4xf64>
  %e = nd.exp %d : tensor<4xf64>
  %s = nd.sum %e axes = [0] : tensor<4xf64> to tensor<f64>
  // CHECK-NOT: nd.max
  %r = nd.log %s : tensor<f64>
  func.return %r : tensor<f64>
}

// -----

// CHECK-LABEL: @a_derivative_does_not_see_the_shift
func.func @a_derivative_does_not_see_the_shift(%x: tensor<4xf64>) -> tensor<4xf64> {
  %e = nd.exp %x : tensor<4xf64>
  %s = nd.sum %e axes = [0] : tensor<4xf64> to tensor<f64>
  // CHECK: nd.stop_gradient
  %r = nd.log %s : tensor<f64>
  %g = nd.grad %r wrt %x : tensor<f64> wrt tensor<4xf64> -> tensor<4xf64>
  func.return %g : tensor<4xf64>
}
