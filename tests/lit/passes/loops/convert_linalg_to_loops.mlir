// RUN: irc-opt %s -p 'bufferize,convert-linalg-to-loops{target=cpu:x86-64-v3 threads=1}' | filecheck %s

#ij = affine_map<(i, j) -> (i, j)>
#i = affine_map<(i, j) -> (i)>
#j = affine_map<(i, j) -> (j)>

// Neighbouring loops over contiguous memory are one.
// CHECK-LABEL: func.func @flat
func.func @flat(%n: index, %x: tensor<?x3xf32, #nd.dims<"n">>) -> tensor<?x3xf32, #nd.dims<"n">> {
  %e = tensor.empty(%n) : tensor<?x3xf32, #nd.dims<"n">>
  // CHECK: scf.for %i = %{{.*}} to %size step
  // CHECK-NOT: scf.for
  // CHECK: irc.simd
  %y = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<?x3xf32, #nd.dims<"n">>) outs(%e : tensor<?x3xf32, #nd.dims<"n">>) {
  ^bb0(%a: f32, %o: f32):
    %b = arith.negf %a : f32
    linalg.yield %b : f32
  } -> tensor<?x3xf32, #nd.dims<"n">>
  func.return %y : tensor<?x3xf32, #nd.dims<"n">>
}

// What does not depend on the inner loop is computed outside of it.
// CHECK-LABEL: func.func @invariant
func.func @invariant(%x: tensor<5x3xf32>, %s: tensor<5xf32>) -> tensor<5x3xf32> {
  %e = tensor.empty() : tensor<5x3xf32>
  // CHECK: scf.for %i
  // CHECK-NEXT: memref.load %s[%i]
  // CHECK-NEXT: math.sqrt
  // CHECK-NEXT: scf.for %j
  %y = linalg.generic {indexing_maps = [#ij, #i, #ij], iterator_types = ["parallel", "parallel"]} ins(%x, %s : tensor<5x3xf32>, tensor<5xf32>) outs(%e : tensor<5x3xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %r = math.sqrt %b : f32
    %c = arith.divf %a, %r : f32
    linalg.yield %c : f32
  } -> tensor<5x3xf32>
  func.return %y : tensor<5x3xf32>
}

// A sum of few elements needs no more partials than that; zero is no first summand.
// CHECK-LABEL: func.func @rows
func.func @rows(%x: tensor<5x3xf32>) -> tensor<5xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<5xf32>
  %z = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>], iterator_types = ["parallel"]} outs(%e : tensor<5xf32>) {
  ^bb0(%o: f32):
    linalg.yield %zero : f32
  } -> tensor<5xf32>
  // CHECK: memref.alloca() : memref<3xf32>
  // CHECK: func.call @irc.halve_addf_f32_3
  // CHECK: memref.store %total, %result[%i]
  %y = linalg.generic {indexing_maps = [#ij, #i], iterator_types = ["parallel", "reduction"]} ins(%x : tensor<5x3xf32>) outs(%z : tensor<5xf32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.addf %o, %a : f32
    linalg.yield %s : f32
  } -> tensor<5xf32>
  func.return %y : tensor<5xf32>
}

// Sums of columns keep a block of columns: memory is read row by row.
// CHECK-LABEL: func.func @columns
func.func @columns(%x: tensor<500x3xf32>) -> tensor<3xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<3xf32>
  %z = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>], iterator_types = ["parallel"]} outs(%e : tensor<3xf32>) {
  ^bb0(%o: f32):
    linalg.yield %zero : f32
  } -> tensor<3xf32>
  // CHECK: memref.alloca() : memref<64x3xf32>
  // CHECK: arith.remui %{{.*}}, %{{.*}} : index
  // CHECK: func.call @irc.halve_addf_f32_64x3
  %y = linalg.generic {indexing_maps = [#ij, #j], iterator_types = ["reduction", "parallel"]} ins(%x : tensor<500x3xf32>) outs(%z : tensor<3xf32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.addf %o, %a : f32
    linalg.yield %s : f32
  } -> tensor<3xf32>
  func.return %y : tensor<3xf32>
}

// CHECK-LABEL: func.func @product
func.func @product(%x: tensor<24x100xf32>, %y: tensor<100x32xf32>) -> tensor<24x32xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<24x32xf32>
  %z = linalg.generic {indexing_maps = [#ij], iterator_types = ["parallel", "parallel"]} outs(%e : tensor<24x32xf32>) {
  ^bb0(%o: f32):
    linalg.yield %zero : f32
  } -> tensor<24x32xf32>
  // CHECK: memref.alloca() {alignment = 64 : i64} : memref<6x16xf32>
  // CHECK: func.call @irc.tile_f32_6x16_rows
  // CHECK: memref.store %total, %result
  %c = linalg.generic {indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (k, j)>, affine_map<(i, j, k) -> (i, j)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%x, %y : tensor<24x100xf32>, tensor<100x32xf32>) outs(%z : tensor<24x32xf32>) attrs = {irc.contraction} {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %o, %p : f32
    linalg.yield %s : f32
  } -> tensor<24x32xf32>
  func.return %c : tensor<24x32xf32>
}
// CHECK: func.func private @irc.tile_f32_6x16_rows
// CHECK: vector.fma
