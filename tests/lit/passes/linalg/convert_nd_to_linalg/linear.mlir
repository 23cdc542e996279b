// RUN: irc-opt %s -p convert-nd-to-linalg | filecheck %s

// CHECK-LABEL: @a_solution_is_three_routines
func.func @a_solution_is_three_routines(%a: tensor<?x?xf64, #nd.dims<"n", "n">>, %b: tensor<?x2xf64, #nd.dims<"n">>) -> tensor<?x2xf64, #nd.dims<"n">> {
  // CHECK: [[f:%.*]], [[p:%.*]] = rt.routine "lu" [] ins(%a
  %f, %p = nd.lu %a : tensor<?x?xf64, #nd.dims<"n", "n">>, tensor<?xi32, #nd.dims<"n">>
  // CHECK: [[s:%.*]] = rt.routine "swap_rows" [] ins(%b, [[p]]
  // CHECK: [[l:%.*]] = rt.routine "triangular_solve" ["lower", "unit"] ins([[f]], [[s]]
  // CHECK: rt.routine "triangular_solve" [] ins([[f]], [[l]]
  %x = nd.solve %a = %f, %p, %b : tensor<?x?xf64, #nd.dims<"n", "n">>, tensor<?x?xf64, #nd.dims<"n", "n">>, tensor<?xi32, #nd.dims<"n">>, tensor<?x2xf64, #nd.dims<"n">>
  func.return %x : tensor<?x2xf64, #nd.dims<"n">>
}

// CHECK-LABEL: @with_the_transpose_the_exchanges_come_last
func.func @with_the_transpose_the_exchanges_come_last(%a: tensor<4x4xf32>, %b: tensor<4x2xf32>) -> tensor<4x2xf32> {
  %f, %p = nd.lu %a : tensor<4x4xf32>, tensor<4xi32>
  // CHECK: rt.routine "triangular_solve" ["transpose"]
  // CHECK: rt.routine "triangular_solve" ["lower", "transpose", "unit"]
  // CHECK: rt.routine "swap_rows" ["inverse"]
  %x = nd.solve %a = %f, %p, %b transpose : tensor<4x4xf32>, tensor<4x4xf32>, tensor<4xi32>, tensor<4x2xf32>
  func.return %x : tensor<4x2xf32>
}
