// RUN: irc-opt %s -p convert-nd-to-linalg,linalg-fuse | filecheck %s

// -- producers

// CHECK-LABEL: @chain
func.func @chain(%x: tensor<?xf32, #nd.dims<"n">>) -> tensor<?xf32, #nd.dims<"n">> {
  // CHECK: linalg.generic {{.*}} ins(%x
  // CHECK: math.exp
  // CHECK-NEXT: math.tanh
  // CHECK-NEXT: linalg.yield
  // CHECK-NOT: linalg.generic
  %a = nd.exp %x : tensor<?xf32, #nd.dims<"n">>
  %b = nd.tanh %a : tensor<?xf32, #nd.dims<"n">>
  func.return %b : tensor<?xf32, #nd.dims<"n">>
}

// CHECK-LABEL: @into_a_reduction
func.func @into_a_reduction(%x: tensor<?x3xf32, #nd.dims<"n">>) -> tensor<?xf32, #nd.dims<"n">> {
  // CHECK: iterator_types = ["parallel", "reduction"]} ins(%x
  // CHECK: math.exp
  // CHECK-NEXT: arith.addf
  %e = nd.exp %x : tensor<?x3xf32, #nd.dims<"n">>
  %s = nd.sum %e axes = [1] : tensor<?x3xf32, #nd.dims<"n">> to tensor<?xf32, #nd.dims<"n">>
  func.return %s : tensor<?xf32, #nd.dims<"n">>
}

// CHECK-LABEL: @maps_compose
func.func @maps_compose(%x: tensor<5x4xf32>) -> tensor<4x2xf32> {
  // CHECK: affine_map<(d0, d1) -> (((d1 * 2) + 1), ((d0 * -1) + 3))>
  // CHECK: math.exp
  // CHECK-NOT: linalg.generic
  %a = nd.exp %x : tensor<5x4xf32>
  %b = nd.transpose %a perm = [1, 0] : tensor<5x4xf32> to tensor<4x5xf32>
  %c = nd.slice %b [] at <"3", "1"> step [-1, 2] : tensor<4x5xf32> to tensor<4x2xf32>
  func.return %c : tensor<4x2xf32>
}

// CHECK-LABEL: @counters_take_the_access_of_the_reader
func.func @counters_take_the_access_of_the_reader(%x: tensor<2xf32>) -> tensor<2xf32> {
  // CHECK: %[[I:[0-9]+]] = linalg.index 0
  // CHECK: %[[TWICE:[0-9]+]] = arith.muli %[[I]]
  // CHECK: arith.addi %[[TWICE]]
  // CHECK-NOT: linalg.generic
  %i = nd.iota axis = 0 : tensor<6xf32>
  %s = nd.slice %i [] at <"1"> step [2] : tensor<6xf32> to tensor<2xf32>
  %y = nd.add %x, %s : tensor<2xf32>
  func.return %y : tensor<2xf32>
}

// CHECK-LABEL: @reads_through_a_unit_axis
func.func @reads_through_a_unit_axis(%x: tensor<?x3xf32, #nd.dims<"n">>) -> tensor<?x3xf32, #nd.dims<"n">> {
  // CHECK: %s = linalg.generic
  // CHECK-NOT: tensor.expand_shape
  // CHECK: affine_map<(d0, d1) -> (d0)>, affine_map<(d0, d1) -> (d0, d1)>, affine_map{{.*}} ins(%s, %x
  // CHECK: arith.divf
  %s = nd.sum %x axes = [1] : tensor<?x3xf32, #nd.dims<"n">> to tensor<?xf32, #nd.dims<"n">>
  %k = nd.reshape %s : tensor<?xf32, #nd.dims<"n">> to tensor<?x1xf32, #nd.dims<"n">>
  %b = nd.broadcast %k dims = [0, 1] : tensor<?x1xf32, #nd.dims<"n">> to tensor<?x3xf32, #nd.dims<"n">>
  %y = nd.div %x, %b : tensor<?x3xf32, #nd.dims<"n">>
  func.return %y : tensor<?x3xf32, #nd.dims<"n">>
}

// -- several readers

// CHECK-LABEL: @cheap_work_is_repeated
func.func @cheap_work_is_repeated(%x: tensor<?x3xf32, #nd.dims<"n">>) -> (tensor<?xf32, #nd.dims<"n">>, tensor<3xf32>) {
  // CHECK-COUNT-2: ins(%x
  %a = nd.abs %x : tensor<?x3xf32, #nd.dims<"n">>
  %r = nd.sum %a axes = [1] : tensor<?x3xf32, #nd.dims<"n">> to tensor<?xf32, #nd.dims<"n">>
  %c = nd.sum %a axes = [0] : tensor<?x3xf32, #nd.dims<"n">> to tensor<3xf32>
  func.return %r, %c : tensor<?xf32, #nd.dims<"n">>, tensor<3xf32>
}

// CHECK-LABEL: @functions_are_computed_once
func.func @functions_are_computed_once(%x: tensor<?x3xf32, #nd.dims<"n">>) -> (tensor<?xf32, #nd.dims<"n">>, tensor<3xf32>) {
  // CHECK: math.exp
  // CHECK-NOT: math.exp
  // CHECK-COUNT-2: ins(%a
  %a = nd.exp %x : tensor<?x3xf32, #nd.dims<"n">>
  %r = nd.sum %a axes = [1] : tensor<?x3xf32, #nd.dims<"n">> to tensor<?xf32, #nd.dims<"n">>
  %c = nd.sum %a axes = [0] : tensor<?x3xf32, #nd.dims<"n">> to tensor<3xf32>
  func.return %r, %c : tensor<?xf32, #nd.dims<"n">>, tensor<3xf32>
}

// CHECK-LABEL: @nor_again_along_an_axis
func.func @nor_again_along_an_axis(%x: tensor<?xf32, #nd.dims<"n">>, %y: tensor<?x3xf32, #nd.dims<"n">>) -> tensor<?x3xf32, #nd.dims<"n">> {
  // CHECK: %e = linalg.generic
  // CHECK: math.exp
  // CHECK: linalg.generic {{.*}} ins(%e, %y
  %e = nd.exp %x : tensor<?xf32, #nd.dims<"n">>
  %b = nd.broadcast %e dims = [0] : tensor<?xf32, #nd.dims<"n">> to tensor<?x3xf32, #nd.dims<"n">>
  %z = nd.mul %b, %y : tensor<?x3xf32, #nd.dims<"n">>
  func.return %z : tensor<?x3xf32, #nd.dims<"n">>
}

// CHECK-LABEL: @a_second_result
func.func @a_second_result(%x: tensor<?xf32, #nd.dims<"n">>) -> (tensor<?xf32, #nd.dims<"n">>, tensor<?xf32, #nd.dims<"n">>) {
  // CHECK: %e, %t = linalg.generic {{.*}} ins(%x
  // CHECK: %[[E:[0-9]+]] = math.exp
  // CHECK: %[[T:[0-9]+]] = math.tanh %[[E]]
  // CHECK: linalg.yield %[[E]], %[[T]]
  %e = nd.exp %x : tensor<?xf32, #nd.dims<"n">>
  %t = nd.tanh %e : tensor<?xf32, #nd.dims<"n">>
  func.return %e, %t : tensor<?xf32, #nd.dims<"n">>, tensor<?xf32, #nd.dims<"n">>
}

// -- siblings

nd.state @W : tensor<8xf32>
nd.state @m : tensor<8xf32>
nd.state @v : tensor<8xf32>

// All updates of one parameter are one loop.
// CHECK-LABEL: @adam
func.func @adam(%g: tensor<8xf32>) {
  %W = nd.state_read @W : tensor<8xf32>
  %m = nd.state_read @m : tensor<8xf32>
  %v = nd.state_read @v : tensor<8xf32>
  %c = nd.full 0.9 : f32 : tensor<8xf32>
  // CHECK: %m2, %v2, %W2 = linalg.generic
  // CHECK-NOT: linalg.generic
  %m1 = nd.mul %c, %m : tensor<8xf32>
  %m2 = nd.add %m1, %g : tensor<8xf32>
  %g2 = nd.square %g : tensor<8xf32>
  %v1 = nd.mul %c, %v : tensor<8xf32>
  %v2 = nd.add %v1, %g2 : tensor<8xf32>
  %r = nd.sqrt %v2 : tensor<8xf32>
  %q = nd.div %m2, %r : tensor<8xf32>
  %W2 = nd.sub %W, %q : tensor<8xf32>
  nd.state_write @W, %W2 : tensor<8xf32>
  nd.state_write @m, %m2 : tensor<8xf32>
  nd.state_write @v, %v2 : tensor<8xf32>
  func.return
}

// CHECK-LABEL: @reductions_of_the_same_elements
func.func @reductions_of_the_same_elements(%x: tensor<?x3xf32, #nd.dims<"n">>) -> (tensor<?xf32, #nd.dims<"n">>, tensor<?xf32, #nd.dims<"n">>) {
  // CHECK: %s, %q = linalg.generic {{.*}} iterator_types = ["parallel", "reduction"]} ins(%x :
  %s = nd.sum %x axes = [1] : tensor<?x3xf32, #nd.dims<"n">> to tensor<?xf32, #nd.dims<"n">>
  %x2 = nd.square %x : tensor<?x3xf32, #nd.dims<"n">>
  %q = nd.sum %x2 axes = [1] : tensor<?x3xf32, #nd.dims<"n">> to tensor<?xf32, #nd.dims<"n">>
  func.return %s, %q : tensor<?xf32, #nd.dims<"n">>, tensor<?xf32, #nd.dims<"n">>
}

// CHECK-LABEL: @other_axes_are_other_loops
func.func @other_axes_are_other_loops(%x: tensor<?x3xf32, #nd.dims<"n">>) -> (tensor<?xf32, #nd.dims<"n">>, tensor<3xf32>) {
  // CHECK: %s = linalg.generic
  // CHECK: %q = linalg.generic
  %s = nd.sum %x axes = [1] : tensor<?x3xf32, #nd.dims<"n">> to tensor<?xf32, #nd.dims<"n">>
  %q = nd.sum %x axes = [0] : tensor<?x3xf32, #nd.dims<"n">> to tensor<3xf32>
  func.return %s, %q : tensor<?xf32, #nd.dims<"n">>, tensor<3xf32>
}

// A reader of the sum cannot share its loops with the sum.
// CHECK-LABEL: @one_after_the_other
func.func @one_after_the_other(%x: tensor<?xf32, #nd.dims<"n">>) -> (tensor<?xf32, #nd.dims<"n">>, tensor<?xf32, #nd.dims<"n">>) {
  // CHECK: %e = linalg.generic
  // CHECK: %s = linalg.generic
  // CHECK: %y = linalg.generic
  %e = nd.exp %x : tensor<?xf32, #nd.dims<"n">>
  %s = nd.sum %e axes = [0] : tensor<?xf32, #nd.dims<"n">> to tensor<f32>
  %b = nd.broadcast %s dims = [] : tensor<f32> to tensor<?xf32, #nd.dims<"n">>
  %y = nd.div %e, %b : tensor<?xf32, #nd.dims<"n">>
  func.return %e, %y : tensor<?xf32, #nd.dims<"n">>, tensor<?xf32, #nd.dims<"n">>
}

// -- what stays

// CHECK-LABEL: @products_read_and_write_arrays
func.func @products_read_and_write_arrays(%x: tensor<4x3xf32>, %w: tensor<3x5xf32>) -> tensor<4x5xf32> {
  // CHECK: %a = linalg.generic
  // CHECK: linalg.generic {{.*}} ins(%a, %w {{.*}}irc.contraction
  // CHECK: %t = linalg.generic
  %a = nd.tanh %x : tensor<4x3xf32>
  %y = nd.dot %a, %w batch [], [] contract [1], [0] : tensor<4x3xf32>, tensor<3x5xf32> to tensor<4x5xf32>
  %t = nd.tanh %y : tensor<4x5xf32>
  func.return %t : tensor<4x5xf32>
}

// CHECK-LABEL: @but_take_transposed_operands
func.func @but_take_transposed_operands(%x: tensor<3x4xf32>, %w: tensor<3x5xf32>) -> tensor<4x5xf32> {
  // CHECK: affine_map<(d0, d1, d2) -> (d2, d0)>, affine_map<(d0, d1, d2) -> (d2, d1)>
  // CHECK-SAME: ins(%x, %w
  %a = nd.transpose %x perm = [1, 0] : tensor<3x4xf32> to tensor<4x3xf32>
  %y = nd.dot %a, %w batch [], [] contract [1], [0] : tensor<4x3xf32>, tensor<3x5xf32> to tensor<4x5xf32>
  func.return %y : tensor<4x5xf32>
}

// The loop over a reduced axis needs an operand that tells its length.
// CHECK-LABEL: @sum_of_counters
func.func @sum_of_counters() -> tensor<f32> {
  // CHECK: %i = linalg.generic
  // CHECK: linalg.generic {{.*}} ins(%i
  %i = nd.iota axis = 0 : tensor<6xf32>
  %s = nd.sum %i axes = [0] : tensor<6xf32> to tensor<f32>
  func.return %s : tensor<f32>
}

// Reading x backwards twice is reading its first half, which a map of a shorter loop cannot say.
// CHECK-LABEL: @half_of_an_axis
func.func @half_of_an_axis(%x: tensor<6xf32>) -> tensor<3xf32> {
  // CHECK: %r = linalg.generic
  // CHECK: %y = linalg.generic {{.*}} ins(%r
  %r = nd.slice %x [] at <"5"> step [-1] : tensor<6xf32> to tensor<6xf32>
  %y = nd.slice %r [] at <"5"> step [-1] : tensor<6xf32> to tensor<3xf32>
  func.return %y : tensor<3xf32>
}

// CHECK-LABEL: @unused_ops_go
func.func @unused_ops_go(%x: tensor<6xf32>) -> tensor<6xf32> {
  // CHECK-NOT: linalg.generic
  %y = nd.exp %x : tensor<6xf32>
  func.return %x : tensor<6xf32>
}

// -- effects

// What a check has allowed is read after it, even when loops that come before are shared.
// CHECK-LABEL: @reads_stay_behind_their_check
func.func @reads_stay_behind_their_check(%x: tensor<?x3xf32, #nd.dims<"n">>, %w: tensor<5xf32>, %i: tensor<?x3xi32, #nd.dims<"n">>) -> (tensor<?x?xf32, #nd.dims<"n", "n">>, tensor<?x?xf32, #nd.dims<"n", "n">>) {
  %e = nd.exp %x : tensor<?x3xf32, #nd.dims<"n">>
  %p = nd.dot %e, %x batch [], [] contract [1], [1] : tensor<?x3xf32, #nd.dims<"n">>, tensor<?x3xf32, #nd.dims<"n">> to tensor<?x?xf32, #nd.dims<"n", "n">>
  %five = nd.full 5 : i32 : tensor<?x3xi32, #nd.dims<"n">>
  // CHECK: rt.assert
  // CHECK: %e, %y = linalg.generic
  // CHECK: tensor.extract %w
  %ok = nd.lt %i, %five : tensor<?x3xi32, #nd.dims<"n">>
  nd.assert "bounds" %ok, "outside" () : tensor<?x3xi1, #nd.dims<"n">>
  %g = nd.gather %w[%i] axes = [0] in_bounds : tensor<5xf32>, tensor<?x3xi32, #nd.dims<"n">> to tensor<?x3xf32, #nd.dims<"n">>
  %y = nd.add %x, %g : tensor<?x3xf32, #nd.dims<"n">>
  %q = nd.dot %y, %x batch [], [] contract [1], [1] : tensor<?x3xf32, #nd.dims<"n">>, tensor<?x3xf32, #nd.dims<"n">> to tensor<?x?xf32, #nd.dims<"n", "n">>
  func.return %p, %q : tensor<?x?xf32, #nd.dims<"n", "n">>, tensor<?x?xf32, #nd.dims<"n", "n">>
}

// CHECK-LABEL: @branches_fuse_inside
func.func @branches_fuse_inside(%c: tensor<i1>, %x: tensor<3xf32>) -> tensor<3xf32> {
  %y = nd.if %c : tensor<i1> -> tensor<3xf32> {
    // CHECK: math.exp
    // CHECK-NEXT: math.tanh
    %e = nd.exp %x : tensor<3xf32>
    %t = nd.tanh %e : tensor<3xf32>
    nd.yield %t : tensor<3xf32>
  } else {
    nd.yield %x : tensor<3xf32>
  }
  func.return %y : tensor<3xf32>
}
