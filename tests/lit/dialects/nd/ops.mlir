// RUN: irc-opt %s | filecheck %s
// RUN: irc-opt %s | irc-opt | filecheck %s
// RUN: irc-opt %s -t generic | irc-opt | filecheck %s

// CHECK: nd.state @s : tensor<2x3xf32> doc "weights"
nd.state @s : tensor<2x3xf32> doc "weights"

// CHECK-LABEL: @elementwise
func.func @elementwise(%x: tensor<?x4xf32, #nd.dims<"n">>, %k: tensor<3xui8>, %p: tensor<i1>) {
  // CHECK: nd.exp %x : tensor<?x4xf32, #nd.dims<"n">>
  %a = nd.exp %x : tensor<?x4xf32, #nd.dims<"n">>
  // CHECK: nd.add %x, %a : tensor<?x4xf32, #nd.dims<"n">>
  %b = nd.add %x, %a : tensor<?x4xf32, #nd.dims<"n">>
  // CHECK: %c = nd.lt %k, %k : tensor<3xui8>
  %c = nd.lt %k, %k : tensor<3xui8>
  // CHECK: nd.where %c, %k, %k : tensor<3xi1>, tensor<3xui8>
  %d = nd.where %c, %k, %k : tensor<3xi1>, tensor<3xui8>
  // CHECK: nd.cast %p : tensor<i1> to tensor<bf16>
  %e = nd.cast %p : tensor<i1> to tensor<bf16>
  func.return
}

// CHECK-LABEL: @structure
func.func @structure(%x: tensor<?x4xf32, #nd.dims<"2*n + 1">>, %i: tensor<i64>) {
  // CHECK: nd.broadcast %x dims = [0, 2] : tensor<?x4xf32, #nd.dims<"2*n + 1">> to tensor<?x3x4xf32, #nd.dims<"2*n + 1">>
  %a = nd.broadcast %x dims = [0, 2] : tensor<?x4xf32, #nd.dims<"2*n + 1">> to tensor<?x3x4xf32, #nd.dims<"2*n + 1">>
  // CHECK: nd.reshape %x : tensor<?x4xf32, #nd.dims<"2*n + 1">> to tensor<?xf32, #nd.dims<"8*n + 4">>
  %b = nd.reshape %x : tensor<?x4xf32, #nd.dims<"2*n + 1">> to tensor<?xf32, #nd.dims<"8*n + 4">>
  // CHECK: nd.transpose %x perm = [1, 0]
  %c = nd.transpose %x perm = [1, 0] : tensor<?x4xf32, #nd.dims<"2*n + 1">> to tensor<4x?xf32, #nd.dims<"2*n + 1">>
  // CHECK: %d = nd.slice %x[%i] at <"n", "?"> step [1, -2]
  %d = nd.slice %x[%i] at <"n", "?"> step [1, -2] : tensor<?x4xf32, #nd.dims<"2*n + 1">>, tensor<i64> to tensor<?x2xf32, #nd.dims<"n + 1">>
  // CHECK: nd.insert_slice %d into %x[] at <"0", "2"> step [1, 1]
  %e = nd.insert_slice %d into %x[] at <"0", "2"> step [1, 1] : tensor<?x2xf32, #nd.dims<"n + 1">> into tensor<?x4xf32, #nd.dims<"2*n + 1">>
  // CHECK: nd.concat %x, %x axis = 1
  %f = nd.concat %x, %x axis = 1 : tensor<?x4xf32, #nd.dims<"2*n + 1">>, tensor<?x4xf32, #nd.dims<"2*n + 1">> to tensor<?x8xf32, #nd.dims<"2*n + 1">>
  func.return
}

// CHECK-LABEL: @reductions_and_products
func.func @reductions_and_products(%x: tensor<2x3x4xf32>, %y: tensor<2x4x5xf32>) {
  // CHECK: nd.sum %x axes = [0, 2] : tensor<2x3x4xf32> to tensor<3xf32>
  %a = nd.sum %x axes = [0, 2] : tensor<2x3x4xf32> to tensor<3xf32>
  // CHECK: nd.argmax %x axis = 1 : tensor<2x3x4xf32> to tensor<2x4xi32>
  %b = nd.argmax %x axis = 1 : tensor<2x3x4xf32> to tensor<2x4xi32>
  // CHECK: nd.argmin %x axis = 1 : tensor<2x3x4xf32> to tensor<2x4xi64>
  %c = nd.argmin %x axis = 1 : tensor<2x3x4xf32> to tensor<2x4xi64>
  // CHECK: nd.conv %x, %x stride [1] pad <"2">, <"1"> dilate [1], [1] : tensor<2x3x4xf32>, tensor<2x3x4xf32> to tensor<2x2x4xf32>
  %e = nd.conv %x, %x stride [1] pad <"2">, <"1"> dilate [1], [1] : tensor<2x3x4xf32>, tensor<2x3x4xf32> to tensor<2x2x4xf32>
  // CHECK: nd.max_pool %x window [2, 3] stride [1, 1] dilate [2, 1] : tensor<2x3x4xf32> to tensor<2x1x2xf32>
  %f = nd.max_pool %x window [2, 3] stride [1, 1] dilate [2, 1] : tensor<2x3x4xf32> to tensor<2x1x2xf32>
  // CHECK: nd.max_pool_index %x window [2] stride [2] dilate [1] : tensor<2x3x4xf32> to tensor<2x3x2xi64>
  %g = nd.max_pool_index %x window [2] stride [2] dilate [1] : tensor<2x3x4xf32> to tensor<2x3x2xi64>
  // CHECK: nd.dot %x, %y batch [0], [0] contract [2], [1]
  %d = nd.dot %x, %y batch [0], [0] contract [2], [1] : tensor<2x3x4xf32>, tensor<2x4x5xf32> to tensor<2x3x5xf32>
  func.return
}

// CHECK-LABEL: @along_an_axis
func.func @along_an_axis(%x: tensor<4x3xf32>) {
  // CHECK: nd.cumulative "sum" %x axis = 1 : tensor<4x3xf32>
  %a = nd.cumulative "sum" %x axis = 1 : tensor<4x3xf32>
  // CHECK: nd.cumulative "prod" %x axis = 0 reverse exclusive : tensor<4x3xf32>
  %b = nd.cumulative "prod" %x axis = 0 reverse exclusive : tensor<4x3xf32>
  // CHECK: nd.argsort %x axis = 1 descending : tensor<4x3xf32> to tensor<4x3xi64>
  %c = nd.argsort %x axis = 1 descending : tensor<4x3xf32> to tensor<4x3xi64>
  func.return
}

// CHECK-LABEL: @linear
func.func @linear(%a: tensor<2x4x4xf32>, %b: tensor<2x4x3xf32>) {
  // CHECK: nd.cholesky %a : tensor<2x4x4xf32>
  %l = nd.cholesky %a : tensor<2x4x4xf32>
  // CHECK: %f, %p = nd.lu %a : tensor<2x4x4xf32>, tensor<2x4xi32>
  %f, %p = nd.lu %a : tensor<2x4x4xf32>, tensor<2x4xi32>
  // CHECK: nd.swap_rows %b by %p inverse : tensor<2x4x3xf32>, tensor<2x4xi32>
  %s = nd.swap_rows %b by %p inverse : tensor<2x4x3xf32>, tensor<2x4xi32>
  // CHECK: nd.triangular_solve %a, %b lower unit : tensor<2x4x4xf32>, tensor<2x4x3xf32>
  %t = nd.triangular_solve %a, %b lower unit : tensor<2x4x4xf32>, tensor<2x4x3xf32>
  // CHECK: nd.solve %a = %f, %p, %b transpose : tensor<2x4x4xf32>, tensor<2x4x4xf32>, tensor<2x4xi32>, tensor<2x4x3xf32>
  %x = nd.solve %a = %f, %p, %b transpose : tensor<2x4x4xf32>, tensor<2x4x4xf32>, tensor<2x4xi32>, tensor<2x4x3xf32>
  func.return
}

// CHECK-LABEL: @indexing
func.func @indexing(%x: tensor<4x3xf32>, %v: tensor<5xf32>, %i: tensor<5xi32>) {
  // CHECK: nd.gather %x[%i, %i] axes = [0, 1] in_bounds
  %a = nd.gather %x[%i, %i] axes = [0, 1] in_bounds : tensor<4x3xf32>, tensor<5xi32>, tensor<5xi32> to tensor<5xf32>
  // CHECK: nd.scatter "add" %v into %x[%i, %i] axes = [0, 1] :
  %b = nd.scatter "add" %v into %x[%i, %i] axes = [0, 1] : tensor<5xf32>, tensor<5xi32>, tensor<5xi32> into tensor<4x3xf32>
  func.return
}

// CHECK-LABEL: @sources
func.func @sources(%seed: tensor<i64>, %counter: tensor<i64>) {
  // CHECK: nd.full 1.5{{0+}}e+00 : f16 : tensor<?xf16, #nd.dims<"n">>
  %a = nd.full 1.5 : f16 : tensor<?xf16, #nd.dims<"n">>
  // CHECK: nd.full true : tensor<i1>
  %b = nd.full true : tensor<i1>
  // CHECK: nd.full -1 : i64 : tensor<ui64>
  %c = nd.full -1 : i64 : tensor<ui64>
  // CHECK: nd.constant dense<[1, -1]> : tensor<2xi8> to tensor<2xui8>
  %d = nd.constant dense<[1, -1]> : tensor<2xi8> to tensor<2xui8>
  // CHECK: nd.iota axis = 1 : tensor<2x?xi32, #nd.dims<"n">>
  %e = nd.iota axis = 1 : tensor<2x?xi32, #nd.dims<"n">>
  // CHECK: nd.size "n*m + 1" : tensor<i64>
  %f = nd.size "n*m + 1" : tensor<i64>
  // CHECK: nd.philox %seed, %counter site = 3 : tensor<i64>, tensor<i64> to tensor<5xui32>
  %g = nd.philox %seed, %counter site = 3 : tensor<i64>, tensor<i64> to tensor<5xui32>
  // CHECK: nd.philox %seed, %counter from %f site = 3 : tensor<i64>, tensor<i64>, tensor<i64> to tensor<5xui32>
  %h = nd.philox %seed, %counter from %f site = 3 : tensor<i64>, tensor<i64>, tensor<i64> to tensor<5xui32>
  func.return
}

// CHECK-LABEL: @effects
func.func @effects(%p: tensor<3xi1>, %x: tensor<3xf32>, %k: tensor<i64>) {
  // CHECK: %a = nd.state_read @s : tensor<2x3xf32>
  %a = nd.state_read @s : tensor<2x3xf32>
  // CHECK: nd.assert "bounds" %p, "{0} at {@0} of {1:.4f}"(%x, %k) : tensor<3xi1>, tensor<3xf32>, tensor<i64>
  nd.assert "bounds" %p, "{0} at {@0} of {1:.4f}"(%x, %k) : tensor<3xi1>, tensor<3xf32>, tensor<i64>
  // CHECK: nd.print "done"()
  nd.print "done"()
  // CHECK: nd.state_write @s, %a : tensor<2x3xf32>
  nd.state_write @s, %a : tensor<2x3xf32>
  func.return
}

// CHECK-LABEL: @control_and_derivatives
func.func @control_and_derivatives(%p: tensor<i1>, %x: tensor<f32>, %v: tensor<3xf32>) {
  // CHECK: %a, %b = nd.if %p : tensor<i1> -> tensor<f32>, tensor<f32> {
  %a, %b = nd.if %p : tensor<i1> -> tensor<f32>, tensor<f32> {
    // CHECK: nd.yield %x, %x : tensor<f32>, tensor<f32>
    nd.yield %x, %x : tensor<f32>, tensor<f32>
  } else {
    %c = nd.stop_gradient %x : tensor<f32>
    nd.yield %c, %x : tensor<f32>, tensor<f32>
  }
  // CHECK: nd.grad %a wrt %x, %b consts %v disconnected : tensor<f32> wrt tensor<f32>, tensor<f32> consts tensor<3xf32> -> tensor<f32>, tensor<f32>
  %g, %h = nd.grad %a wrt %x, %b consts %v disconnected : tensor<f32> wrt tensor<f32>, tensor<f32> consts tensor<3xf32> -> tensor<f32>, tensor<f32>
  // CHECK: nd.grad %v wrt %v cotangent %v :
  %i = nd.grad %v wrt %v cotangent %v : tensor<3xf32> wrt tensor<3xf32> cotangent tensor<3xf32> -> tensor<3xf32>
  // CHECK: nd.jvp %v wrt %v, %x along %v, %x consts %i disconnected : tensor<3xf32> wrt tensor<3xf32>, tensor<f32> along tensor<3xf32>, tensor<f32> consts tensor<3xf32>
  %j = nd.jvp %v wrt %v, %x along %v, %x consts %i disconnected : tensor<3xf32> wrt tensor<3xf32>, tensor<f32> along tensor<3xf32>, tensor<f32> consts tensor<3xf32>
  func.return
}

// CHECK-LABEL: @functions_of_other_libraries
func.func @functions_of_other_libraries(%x: tensor<3xf64>, %m: tensor<?x?xf64, #nd.dims<"n", "m">>) {
  // CHECK: nd.extern_map "erf" from "libm.so.6"(%x) : (tensor<3xf64>) -> tensor<3xf64> {
  // CHECK-NEXT: ^bb0(%a: tensor<3xf64>, %y: tensor<3xf64>, %dy: tensor<3xf64>):
  // CHECK-NEXT: nd.yield %dy : tensor<3xf64>
  %e = nd.extern_map "erf" from "libm.so.6"(%x) : (tensor<3xf64>) -> tensor<3xf64> {
  ^bb0(%a: tensor<3xf64>, %y: tensor<3xf64>, %dy: tensor<3xf64>):
    nd.yield %dy : tensor<3xf64>
  }
  // CHECK: nd.extern_map "hypot" from "libm.so.6"(%x, %e) : (tensor<3xf64>, tensor<3xf64>) -> tensor<3xf32>
  %h = nd.extern_map "hypot" from "libm.so.6"(%x, %e) : (tensor<3xf64>, tensor<3xf64>) -> tensor<3xf32>
  // CHECK: %s, %t = nd.extern "f" from "libfoo.so" sizes <"n", "m">(%m, %x) : (tensor<?x?xf64, #nd.dims<"n", "m">>, tensor<3xf64>) -> (tensor<f64>, tensor<?xi32, #nd.dims<"m">>)
  %s, %t = nd.extern "f" from "libfoo.so" sizes <"n", "m">(%m, %x) : (tensor<?x?xf64, #nd.dims<"n", "m">>, tensor<3xf64>) -> (tensor<f64>, tensor<?xi32, #nd.dims<"m">>)
  func.return
}
