// RUN: irc-opt %s -p convert-nd-to-linalg | filecheck %s

// CHECK-LABEL: @gather_in_bounds
func.func @gather_in_bounds(%x: tensor<5x3xf32>, %i: tensor<?xi32, #nd.dims<"n">>) -> tensor<?x3xf32, #nd.dims<"n">> {
  // CHECK: affine_map<(d0, d1) -> (d0)>
  // CHECK: %[[AT:[0-9]+]] = arith.index_cast %{{[0-9]+}} : i32 to index
  // CHECK-NOT: arith.cmpi
  // CHECK: tensor.extract %x[%[[AT]], %{{[0-9]+}}]
  %y = nd.gather %x[%i] axes = [0] in_bounds : tensor<5x3xf32>, tensor<?xi32, #nd.dims<"n">> to tensor<?x3xf32, #nd.dims<"n">>
  func.return %y : tensor<?x3xf32, #nd.dims<"n">>
}

// A position outside reads the first element, which is there, and gives 0.
// CHECK-LABEL: @gather_anywhere
func.func @gather_anywhere(%x: tensor<5xf32>, %i: tensor<4xi32>) -> tensor<4xf32> {
  // CHECK: %[[IN:[0-9]+]] = arith.cmpi ult
  // CHECK: %[[AT:[0-9]+]] = arith.select %[[IN]]
  // CHECK: tensor.extract %x[%[[AT]]]
  // CHECK: arith.select %[[IN]]
  %y = nd.gather %x[%i] axes = [0] : tensor<5xf32>, tensor<4xi32> to tensor<4xf32>
  func.return %y : tensor<4xf32>
}

// CHECK-LABEL: @gather_from_what_may_be_empty
func.func @gather_from_what_may_be_empty(%x: tensor<?xf32, #nd.dims<"n">>, %i: tensor<4xi32>) -> tensor<4xf32> {
  // CHECK: %[[SOME:[0-9]+]] = arith.cmpi ne, %n
  // CHECK: scf.if %[[SOME]]
  // CHECK: tensor.extract %x
  // CHECK: } else {
  // CHECK-NOT: tensor.extract
  %y = nd.gather %x[%i] axes = [0] : tensor<?xf32, #nd.dims<"n">>, tensor<4xi32> to tensor<4xf32>
  func.return %y : tensor<4xf32>
}

// CHECK-LABEL: @scatter_add
func.func @scatter_add(%x: tensor<5xf32>, %v: tensor<4xf32>, %i: tensor<4xi32>) -> tensor<5xf32> {
  // CHECK: scf.for %{{.*}} iter_args(%[[T:[a-z0-9_]+]] = %x)
  // CHECK: %[[IN:[0-9]+]] = arith.cmpi ult
  // CHECK: scf.if %[[IN]]
  // CHECK: arith.addf
  // CHECK: tensor.insert {{.*}} into %[[T]]
  %y = nd.scatter "add" %v into %x[%i] axes = [0] : tensor<4xf32>, tensor<4xi32> into tensor<5xf32>
  func.return %y : tensor<5xf32>
}

// CHECK-LABEL: @scatter_set_in_bounds
func.func @scatter_set_in_bounds(%x: tensor<5xf32>, %v: tensor<4xf32>, %i: tensor<4xi32>) -> tensor<5xf32> {
  // CHECK: scf.for
  // CHECK-NOT: scf.if
  // CHECK: tensor.insert
  %y = nd.scatter "set" %v into %x[%i] axes = [0] in_bounds : tensor<4xf32>, tensor<4xi32> into tensor<5xf32>
  func.return %y : tensor<5xf32>
}
