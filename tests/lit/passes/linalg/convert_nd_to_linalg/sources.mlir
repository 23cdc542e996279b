// RUN: irc-opt %s -p convert-nd-to-linalg | filecheck %s

// CHECK-LABEL: @full
func.func @full() -> tensor<4xf32> {
  // CHECK: linalg.generic {{.*}} outs(
  // CHECK: arith.constant 3.000000e+00
  %x = nd.full 3.0 : f32 : tensor<4xf32>
  func.return %x : tensor<4xf32>
}

// CHECK-LABEL: @iota
func.func @iota() -> tensor<4x5xf32> {
  // CHECK: linalg.index 1
  // CHECK: arith.index_cast
  // CHECK: arith.sitofp
  %x = nd.iota axis = 1 : tensor<4x5xf32>
  func.return %x : tensor<4x5xf32>
}

// A polynomial is worked out once, at the top.
// CHECK-LABEL: @sizes
func.func @sizes(%x: tensor<?xf32, #nd.dims<"n">>) -> (tensor<i64>, tensor<f32>) {
  // CHECK: %[[TWO:[0-9]+]] = arith.constant 2 : index
  // CHECK: %[[P:[0-9]+]] = arith.muli %[[TWO]], %n : index
  // CHECK-NOT: arith.muli
  // CHECK: arith.index_cast %[[P]] : index to i64
  %a = nd.size "2*n" : tensor<i64>
  // CHECK: arith.index_cast %[[P]] : index to i64
  // CHECK: arith.sitofp
  %b = nd.size "2*n" : tensor<f32>
  func.return %a, %b : tensor<i64>, tensor<f32>
}

// CHECK-LABEL: @constant
func.func @constant() -> tensor<2xi8> {
  // CHECK: arith.constant dense<[1, -1]> : tensor<2xi8>
  %x = nd.constant dense<[1, -1]> : tensor<2xi8> to tensor<2xui8>
  %y = nd.cast %x : tensor<2xui8> to tensor<2xi8>
  func.return %y : tensor<2xi8>
}

// CHECK-LABEL: @philox
func.func @philox(%seed: tensor<i64>, %counter: tensor<i64>) -> tensor<8xui32> {
  // CHECK: ins(%seed, %counter : tensor<i64>, tensor<i64>)
  // CHECK: rt.philox {{.*}} site = 3
  // CHECK: linalg.yield {{.*}} : i32
  %x = nd.philox %seed, %counter site = 3 : tensor<i64>, tensor<i64> to tensor<8xui32>
  func.return %x : tensor<8xui32>
}

// CHECK-LABEL: @philox_from
func.func @philox_from(%s: tensor<i64>, %c: tensor<i64>, %o: tensor<i64>) -> tensor<8xui32> {
  // CHECK: ins(%s, %c, %o : tensor<i64>, tensor<i64>, tensor<i64>)
  // CHECK: [[place:%.*]] = arith.addi {{.*}} : i64
  // CHECK-NEXT: rt.philox {{%.*}}, {{%.*}}, [[place]] site = 3
  %x = nd.philox %s, %c from %o site = 3 : tensor<i64>, tensor<i64>, tensor<i64> to tensor<8xui32>
  func.return %x : tensor<8xui32>
}
