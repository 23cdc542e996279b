// RUN: irc-opt %s -p 'bufferize,convert-linalg-to-loops{target=cpu:x86-64-v3 threads=4},loops-plan-memory' -t c | filecheck %s

#ij = affine_map<(i, j) -> (i, j)>
#j = affine_map<(i, j) -> (j)>

// Names and shapes are those of the program; threads join when there is enough work.
// CHECK: /* bias: x f32[n, 500], b f32[500], result f32[n, 500] */
// CHECK-NEXT: static int32_t k_bias(
func.func @bias(%n: index, %x: tensor<?x500xf32, #nd.dims<"n">>, %b: tensor<500xf32>) -> tensor<?x500xf32, #nd.dims<"n">> {
  %e = tensor.empty(%n) : tensor<?x500xf32, #nd.dims<"n">>
  // CHECK: 2000 * n >= 131072
  // CHECK: for (int64_t i = 0; i < n; ++i) {
  // CHECK-NEXT: IRC_SIMD
  // CHECK-NEXT: for (int64_t j = 0; j < 500; ++j) {
  // CHECK-NEXT: const float x_2 = x[i * 500 + j];
  // CHECK-NEXT: const float b_2 = b[j];
  // CHECK-NEXT: result[i * 500 + j] = x_2 + b_2;
  %y = linalg.generic {indexing_maps = [#ij, #j, #ij], iterator_types = ["parallel", "parallel"]} ins(%x, %b : tensor<?x500xf32, #nd.dims<"n">>, tensor<500xf32>) outs(%e : tensor<?x500xf32, #nd.dims<"n">>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %s = arith.addf %a, %c : f32
    linalg.yield %s : f32
  } -> tensor<?x500xf32, #nd.dims<"n">>
  func.return %y : tensor<?x500xf32, #nd.dims<"n">>
}

// Integers wrap: the sum is made of unsigned numbers.
// CHECK: static int32_t k_wrap(
func.func @wrap(%x: tensor<4xi32>) -> tensor<4xi32> {
  %e = tensor.empty() : tensor<4xi32>
  // CHECK: (int32_t)((uint32_t)x_2 + (uint32_t)x_2)
  %y = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]} ins(%x : tensor<4xi32>) outs(%e : tensor<4xi32>) {
  ^bb0(%a: i32, %o: i32):
    %s = arith.addi %a, %a : i32
    linalg.yield %s : i32
  } -> tensor<4xi32>
  func.return %y : tensor<4xi32>
}
