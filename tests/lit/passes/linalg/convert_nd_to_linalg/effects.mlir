// RUN: irc-opt %s -p convert-nd-to-linalg | filecheck %s

// CHECK: nd.state @count : tensor<3xi32>
nd.state @count : tensor<3xui32>

// CHECK-LABEL: @state
func.func @state() {
  // CHECK: nd.state_read @count : tensor<3xi32>
  %x = nd.state_read @count : tensor<3xui32>
  %y = nd.square %x : tensor<3xui32>
  // CHECK: nd.state_write @count, %y : tensor<3xi32>
  nd.state_write @count, %y : tensor<3xui32>
  func.return
}

// CHECK-LABEL: @scalar_check
func.func @scalar_check(%k: tensor<ui8>) -> tensor<ui8> {
  %three = nd.full 3 : i8 : tensor<ui8>
  // CHECK: %[[OK:[a-z0-9_]+]] = tensor.extract %ok[]
  %ok = nd.lt %k, %three : tensor<ui8>
  // CHECK: rt.assert %{{.*}} : i1, "assert", "k is {0}", %{{.*}} : i8 dtypes ["u8"]
  nd.assert "assert" %ok, "k is {0}" (%k) : tensor<i1>, tensor<ui8>
  func.return %k : tensor<ui8>
}

// The first false position is searched for; values are looked up only when there is one, and
// what is only shown is not kept in memory.
// CHECK-LABEL: @check_of_a_tensor
func.func @check_of_a_tensor(%x: tensor<?x3xi32, #nd.dims<"n">>) -> tensor<?x3xi32, #nd.dims<"n">> {
  %wide = nd.cast %x : tensor<?x3xi32, #nd.dims<"n">> to tensor<?x3xi64, #nd.dims<"n">>
  %ten = nd.full 10 : i64 : tensor<?x3xi64, #nd.dims<"n">>
  %ok = nd.lt %wide, %ten : tensor<?x3xi64, #nd.dims<"n">>
  // CHECK: arith.minsi
  // CHECK: scf.if
  // CHECK: arith.remui
  // CHECK: tensor.extract %x[
  // CHECK: arith.extsi
  // CHECK: rt.assert %{{.*}} : i1, "bounds", "x[{1}, {2}] = {0}"
  nd.assert "bounds" %ok, "x[{@0}, {@1}] = {0}" (%wide) : tensor<?x3xi1, #nd.dims<"n">>, tensor<?x3xi64, #nd.dims<"n">>
  func.return %x : tensor<?x3xi32, #nd.dims<"n">>
}

// CHECK-LABEL: @print
func.func @print(%x: tensor<3xui8>, %k: tensor<f32>) -> tensor<3xui8> {
  // CHECK: rt.print "{0:.2f} {1}", %{{.*}}, %x : f32, tensor<3xi8> dtypes ["f32", "u8"]
  nd.print "{0:.2f} {1}" (%k, %x) : tensor<f32>, tensor<3xui8>
  func.return %x : tensor<3xui8>
}

// CHECK-LABEL: @branch
func.func @branch(%c: tensor<i1>, %x: tensor<3xf32>) -> tensor<3xf32> {
  // CHECK: %[[C:[a-z0-9_]+]] = tensor.extract %c[]
  // CHECK: scf.if %{{.*}} -> (tensor<3xf32>)
  %y = nd.if %c : tensor<i1> -> tensor<3xf32> {
    // CHECK: math.exp
    %e = nd.exp %x : tensor<3xf32>
    // CHECK: scf.yield %e
    nd.yield %e : tensor<3xf32>
  } else {
    // CHECK: scf.yield %x
    nd.yield %x : tensor<3xf32>
  }
  func.return %y : tensor<3xf32>
}
