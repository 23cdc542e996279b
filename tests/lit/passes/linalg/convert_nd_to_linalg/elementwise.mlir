// RUN: irc-opt %s -p convert-nd-to-linalg | filecheck %s

// Sizes become leading index arguments, in the order of the argument types.
// CHECK-LABEL: func.func @sizes_come_first(%n: index, %m: index, %x: tensor<?x?xf32, #nd.dims<"n", "m">>)
// CHECK-SAME: irc.sizes = ["n", "m"]
func.func @sizes_come_first(%x: tensor<?x?xf32, #nd.dims<"n", "m">>) -> tensor<?x?xf32, #nd.dims<"n", "m">> {
  // CHECK: tensor.empty(%n, %m) : tensor<?x?xf32, #nd.dims<"n", "m">>
  // CHECK: %y = linalg.generic
  // CHECK-SAME: iterator_types = ["parallel", "parallel"]
  // CHECK: math.exp
  %y = nd.exp %x : tensor<?x?xf32, #nd.dims<"n", "m">>
  func.return %y : tensor<?x?xf32, #nd.dims<"n", "m">>
}

// CHECK-LABEL: @numbers_go_into_the_body
func.func @numbers_go_into_the_body(%x: tensor<4xf32>) -> tensor<4xf32> {
  %two = nd.full 2.0 : f32 : tensor<4xf32>
  // CHECK: linalg.generic
  // CHECK-SAME: ins(%x : tensor<4xf32>)
  // CHECK: arith.constant 2.000000e+00 : f32
  // CHECK-NEXT: arith.mulf
  // CHECK-NOT: linalg.generic
  %y = nd.mul %x, %two : tensor<4xf32>
  func.return %y : tensor<4xf32>
}

// CHECK-LABEL: @an_operand_used_twice_is_read_once
func.func @an_operand_used_twice_is_read_once(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK: ins(%x : tensor<4xf32>)
  // CHECK: arith.addf %[[A:[0-9]+]], %[[A]]
  %y = nd.add %x, %x : tensor<4xf32>
  func.return %y : tensor<4xf32>
}

// The half floats compute in f32 and round once.
// CHECK-LABEL: @half_floats
func.func @half_floats(%x: tensor<4xf16>, %y: tensor<4xf16>) -> tensor<4xf16> {
  // CHECK: arith.extf {{.*}} : f16 to f32
  // CHECK: arith.extf {{.*}} : f16 to f32
  // CHECK: arith.addf
  // CHECK: arith.truncf {{.*}} : f32 to f16
  %z = nd.add %x, %y : tensor<4xf16>
  func.return %z : tensor<4xf16>
}

// CHECK-LABEL: @unsigned_is_signless_below(%x: tensor<4xi8>) -> tensor<4xi1>
func.func @unsigned_is_signless_below(%x: tensor<4xui8>) -> tensor<4xi1> {
  %limit = nd.full 100 : i8 : tensor<4xui8>
  // CHECK: arith.cmpi ult
  %y = nd.lt %x, %limit : tensor<4xui8>
  func.return %y : tensor<4xi1>
}

// CHECK-LABEL: @broadcast
func.func @broadcast(%x: tensor<?x1xf32, #nd.dims<"n">>) -> tensor<?x3x4xf32, #nd.dims<"n">> {
  // CHECK: affine_map<(d0, d1, d2) -> (d0, 0)>
  %y = nd.broadcast %x dims = [0, 2] : tensor<?x1xf32, #nd.dims<"n">> to tensor<?x3x4xf32, #nd.dims<"n">>
  func.return %y : tensor<?x3x4xf32, #nd.dims<"n">>
}

// CHECK-LABEL: @transpose
func.func @transpose(%x: tensor<2x3x4xf32>) -> tensor<4x2x3xf32> {
  // CHECK: affine_map<(d0, d1, d2) -> (d1, d2, d0)>
  %y = nd.transpose %x perm = [2, 0, 1] : tensor<2x3x4xf32> to tensor<4x2x3xf32>
  func.return %y : tensor<4x2x3xf32>
}

// CHECK-LABEL: @slice_is_an_access
func.func @slice_is_an_access(%x: tensor<6x8xf32>) -> tensor<6x3xf32> {
  // CHECK: affine_map<(d0, d1) -> (((d0 * -1) + 5), ((d1 * 2) + 1))>
  %y = nd.slice %x [] at <"5", "1"> step [-1, 2] : tensor<6x8xf32> to tensor<6x3xf32>
  func.return %y : tensor<6x3xf32>
}

// CHECK-LABEL: @leading_slice_is_a_view
func.func @leading_slice_is_a_view(%x: tensor<6x8xf32>) -> tensor<4x8xf32> {
  // CHECK: tensor.extract_slice %x[0, 0] [4, 8] [1, 1]
  %y = nd.slice %x [] at <"0", "0"> step [1, 1] : tensor<6x8xf32> to tensor<4x8xf32>
  func.return %y : tensor<4x8xf32>
}

// CHECK-LABEL: @moving_slice_reads_at_a_position
func.func @moving_slice_reads_at_a_position(%x: tensor<6xf32>, %k: tensor<i64>) -> tensor<2xf32> {
  // CHECK: %[[K:[a-z0-9_]+]] = tensor.extract %k[]
  // CHECK: %[[START:[0-9]+]] = arith.index_cast %[[K]] : i64 to index
  // CHECK: %[[I:[0-9]+]] = linalg.index 0
  // CHECK: %[[AT:[0-9]+]] = arith.addi %[[I]], %[[START]]
  // CHECK: tensor.extract %x[%[[AT]]]
  %y = nd.slice %x [%k] at <"?"> step [1] : tensor<6xf32>, tensor<i64> to tensor<2xf32>
  func.return %y : tensor<2xf32>
}

// CHECK-LABEL: @special_functions_are_one_op
func.func @special_functions_are_one_op(%x: tensor<4xf64>) -> tensor<4xf64> {
  // CHECK: rt.special "digamma" {{%.*}} : f64 to f64
  %y = nd.digamma %x : tensor<4xf64>
  func.return %y : tensor<4xf64>
}

// CHECK-LABEL: @special_functions_of_half_floats
func.func @special_functions_of_half_floats(%x: tensor<4xf16>) -> tensor<4xf16> {
  // CHECK: [[n:%.*]] = arith.extf {{%.*}} : f16 to f32
  // CHECK: [[x:%.*]] = arith.extf {{%.*}} : f16 to f32
  // CHECK: rt.special "polygamma" [[n]], [[x]] : f32, f32 to f32
  // CHECK: arith.truncf
  %y = nd.polygamma %x, %x : tensor<4xf16>
  func.return %y : tensor<4xf16>
}
