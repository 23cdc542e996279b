// RUN: irc-opt %s -p nd-fold-constants | filecheck %s
// RUN: irc-opt %s -p 'nd-fold-constants{limit=2}' | filecheck %s --check-prefix SMALL

// CHECK-LABEL: @numbers
func.func @numbers(%n: tensor<?xf32, #nd.dims<"n">>) -> (tensor<?xf32, #nd.dims<"n">>, tensor<i8>, tensor<3xi1>) {
  %a = nd.full 3.0 : f32 : tensor<?xf32, #nd.dims<"n">>
  %b = nd.full 0.1 : f32 : tensor<?xf32, #nd.dims<"n">>
  // CHECK-NEXT: nd.full 3.100000e+00 : f32 : tensor<?xf32, #nd.dims<"n">>
  %c = nd.add %a, %b : tensor<?xf32, #nd.dims<"n">>
  %i = nd.full 100 : i8 : tensor<i8>
  // CHECK-NEXT: nd.full -56 : i8
  %j = nd.add %i, %i : tensor<i8>
  %x = nd.full 0x7fc00000 : f32 : tensor<3xf32>
  // CHECK-NEXT: nd.full false
  %e = nd.eq %x, %x : tensor<3xf32>
  func.return %c, %j, %e : tensor<?xf32, #nd.dims<"n">>, tensor<i8>, tensor<3xi1>
}

// The last bits of an elementary function depend on the target.
// CHECK-LABEL: @elementary_functions_are_kept
func.func @elementary_functions_are_kept() -> tensor<f32> {
  %a = nd.full 3.0 : f32 : tensor<f32>
  // CHECK: nd.exp
  %b = nd.exp %a : tensor<f32>
  func.return %b : tensor<f32>
}

// CHECK-LABEL: @arrays
// SMALL-LABEL: @arrays
func.func @arrays() -> (tensor<3xi32>, tensor<i32>) {
  %a = nd.constant dense<[1, 2, 3]> : tensor<3xi32> to tensor<3xi32>
  %b = nd.full 10 : i32 : tensor<3xi32>
  // CHECK-NEXT: nd.constant dense<[11, 12, 13]>
  // SMALL: nd.add
  %c = nd.add %a, %b : tensor<3xi32>
  // CHECK-NEXT: nd.full 36 : i32 : tensor<i32>
  // SMALL: nd.sum
  %d = nd.sum %c axes = [0] : tensor<3xi32> to tensor<i32>
  func.return %c, %d : tensor<3xi32>, tensor<i32>
}

// CHECK-LABEL: @inputs_are_kept
func.func @inputs_are_kept(%x: tensor<f32>) -> tensor<f32> {
  %a = nd.full 3.0 : f32 : tensor<f32>
  // CHECK: nd.add %x, %a
  %b = nd.add %x, %a : tensor<f32>
  func.return %b : tensor<f32>
}

// CHECK-LABEL: @one_value
func.func @one_value() -> (tensor<3xf32>, tensor<2xf32>, tensor<i64>) {
  // CHECK-NEXT: nd.full 2.{{0+}}e+00 : f32 : tensor<3xf32>
  %a = nd.constant dense<2.0> : tensor<3xf32> to tensor<3xf32>
  // CHECK-NEXT: nd.constant
  %b = nd.constant dense<[0.0, -0.0]> : tensor<2xf32> to tensor<2xf32>
  // CHECK-NEXT: nd.full 7 : i64
  %c = nd.size "7" : tensor<i64>
  func.return %a, %b, %c : tensor<3xf32>, tensor<2xf32>, tensor<i64>
}

// An error of run time stays one.
// CHECK-LABEL: @the_largest_of_none
func.func @the_largest_of_none() -> tensor<i32> {
  %a = nd.full 0 : i32 : tensor<0xi32>
  // CHECK: nd.max
  %b = nd.max %a axes = [0] : tensor<0xi32> to tensor<i32>
  func.return %b : tensor<i32>
}
