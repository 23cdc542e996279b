// RUN: irc-opt %s -p nd-simplify-gathers | filecheck %s

// CHECK-LABEL: @gather_at_number
func.func @gather_at_number(%x: tensor<4x3xf32>, %i: tensor<5xi32>) -> (tensor<5x3xf32>, tensor<5xf32>) {
  %c = nd.full 2 : i32 : tensor<5xi32>
  // CHECK-NEXT: [[S:%.*]] = nd.slice %x[] at <"2", "0"> step [1, 1] : tensor<4x3xf32> to tensor<1x3xf32>
  // CHECK-NEXT: [[R:%.*]] = nd.reshape [[S]]
  // CHECK-NEXT: nd.broadcast [[R]] dims = [1]
  %a = nd.gather %x[%c] axes = [0] : tensor<4x3xf32>, tensor<5xi32> to tensor<5x3xf32>
  // CHECK: [[T:%.*]] = nd.reshape
  // CHECK-NEXT: nd.gather [[T]][%i] axes = [0]
  %b = nd.gather %x[%c, %i] axes = [0, 1] : tensor<4x3xf32>, tensor<5xi32>, tensor<5xi32> to tensor<5xf32>
  func.return %a, %b : tensor<5x3xf32>, tensor<5xf32>
}

// CHECK-LABEL: @gather_at_number_outside
func.func @gather_at_number_outside(%x: tensor<4x3xf32>) -> tensor<5x3xf32> {
  %c = nd.full 4 : i32 : tensor<5xi32>
  // CHECK: nd.gather
  %a = nd.gather %x[%c] axes = [0] : tensor<4x3xf32>, tensor<5xi32> to tensor<5x3xf32>
  func.return %a : tensor<5x3xf32>
}

// CHECK-LABEL: @gather_by_counting
func.func @gather_by_counting(%x: tensor<?x9xf32, #nd.dims<"n">>) -> tensor<8x?x2xf32, #nd.dims<"n">> {
  %i = nd.iota axis = 1 : tensor<8x?x2xi64, #nd.dims<"n">>
  %k = nd.iota axis = 0 : tensor<8xi64>
  %one = nd.full 1 : i64 : tensor<8xi64>
  %l = nd.add %k, %one : tensor<8xi64>
  %j = nd.broadcast %l dims = [0] : tensor<8xi64> to tensor<8x?x2xi64, #nd.dims<"n">>
  // CHECK-NEXT: [[S:%.*]] = nd.slice %x[] at <"0", "1"> step [1, 1]
  // CHECK-NEXT: [[T:%.*]] = nd.transpose [[S]] perm = [1, 0]
  // CHECK-NEXT: nd.broadcast [[T]] dims = [0, 1]
  %a = nd.gather %x[%i, %j] axes = [0, 1] : tensor<?x9xf32, #nd.dims<"n">>, tensor<8x?x2xi64, #nd.dims<"n">>, tensor<8x?x2xi64, #nd.dims<"n">> to tensor<8x?x2xf32, #nd.dims<"n">>
  func.return %a : tensor<8x?x2xf32, #nd.dims<"n">>
}

// CHECK-LABEL: @a_diagonal
func.func @a_diagonal(%x: tensor<3x3xf32>) -> tensor<3xf32> {
  %i = nd.iota axis = 0 : tensor<3xi64>
  // CHECK: nd.gather
  %a = nd.gather %x[%i, %i] axes = [0, 1] : tensor<3x3xf32>, tensor<3xi64>, tensor<3xi64> to tensor<3xf32>
  func.return %a : tensor<3xf32>
}

// The last position is outside, where a gather gives 0.
// CHECK-LABEL: @counting_too_far
func.func @counting_too_far(%x: tensor<3xf32>) -> tensor<4xf32> {
  %i = nd.iota axis = 0 : tensor<4xi64>
  // CHECK: nd.gather
  %a = nd.gather %x[%i] axes = [0] : tensor<3xf32>, tensor<4xi64> to tensor<4xf32>
  func.return %a : tensor<4xf32>
}

// After 127 an i8 counts -128.
// CHECK-LABEL: @counting_that_wraps
func.func @counting_that_wraps(%x: tensor<200xf32>) -> tensor<200xf32> {
  %i = nd.iota axis = 0 : tensor<200xi8>
  // CHECK: nd.gather
  %a = nd.gather %x[%i] axes = [0] : tensor<200xf32>, tensor<200xi8> to tensor<200xf32>
  func.return %a : tensor<200xf32>
}

// CHECK-LABEL: @scatter_by_counting
func.func @scatter_by_counting(%x: tensor<4x3xf32>, %v: tensor<2x4xf32>) -> (tensor<4x3xf32>, tensor<4x3xf32>) {
  %j = nd.iota axis = 0 : tensor<2x4xi64>
  %i = nd.iota axis = 1 : tensor<2x4xi64>
  // CHECK-NEXT: [[T:%.*]] = nd.transpose %v perm = [1, 0]
  // CHECK-NEXT: nd.insert_slice [[T]] into %x[] at <"0", "0">
  %a = nd.scatter "set" %v into %x[%i, %j] axes = [0, 1] : tensor<2x4xf32>, tensor<2x4xi64>, tensor<2x4xi64> into tensor<4x3xf32>
  // CHECK-NEXT: [[U:%.*]] = nd.transpose %v perm = [1, 0]
  // CHECK-NEXT: [[S:%.*]] = nd.slice %x
  // CHECK-NEXT: [[P:%.*]] = nd.add [[S]], [[U]]
  // CHECK-NEXT: nd.insert_slice [[P]] into %x
  %b = nd.scatter "add" %v into %x[%i, %j] axes = [0, 1] : tensor<2x4xf32>, tensor<2x4xi64>, tensor<2x4xi64> into tensor<4x3xf32>
  func.return %a, %b : tensor<4x3xf32>, tensor<4x3xf32>
}

// Each row is written twice: the order is defined, and stays.
// CHECK-LABEL: @scatter_with_duplicates
func.func @scatter_with_duplicates(%x: tensor<4xf32>, %v: tensor<2x4xf32>) -> tensor<4xf32> {
  %i = nd.iota axis = 1 : tensor<2x4xi64>
  // CHECK: nd.scatter
  %b = nd.scatter "add" %v into %x[%i] axes = [0] : tensor<2x4xf32>, tensor<2x4xi64> into tensor<4xf32>
  func.return %b : tensor<4xf32>
}

// CHECK-LABEL: @scatter_once_in_each_row
func.func @scatter_once_in_each_row(%v: tensor<?xf32, #nd.dims<"n">>, %y: tensor<?xi32, #nd.dims<"n">>) -> tensor<?x10xf32, #nd.dims<"n">> {
  %z = nd.full 0.0 : f32 : tensor<?x10xf32, #nd.dims<"n">>
  %i = nd.iota axis = 0 : tensor<?xi64, #nd.dims<"n">>
  %w = nd.cast %y : tensor<?xi32, #nd.dims<"n">> to tensor<?xi64, #nd.dims<"n">>
  // CHECK: [[Y:%.*]] = nd.broadcast %y dims = [0]
  // CHECK-NEXT: [[J:%.*]] = nd.iota axis = 1 : tensor<?x10xi32
  // CHECK-NEXT: [[H:%.*]] = nd.eq [[J]], [[Y]]
  // CHECK: [[P:%.*]] = nd.add %v
  // CHECK-NEXT: [[V:%.*]] = nd.broadcast [[P]] dims = [0]
  // CHECK-NEXT: nd.where [[H]], [[V]], %z
  %a = nd.scatter "add" %v into %z[%i, %w] axes = [0, 1] in_bounds : tensor<?xf32, #nd.dims<"n">>, tensor<?xi64, #nd.dims<"n">>, tensor<?xi64, #nd.dims<"n">> into tensor<?x10xf32, #nd.dims<"n">>
  func.return %a : tensor<?x10xf32, #nd.dims<"n">>
}

// CHECK-LABEL: @scatter_to_any_row
func.func @scatter_to_any_row(%x: tensor<4x3xf32>, %v: tensor<2x3xf32>, %y: tensor<2xi32>) -> tensor<4x3xf32> {
  // CHECK-NEXT: nd.scatter
  %a = nd.scatter "add" %v into %x[%y] axes = [0] : tensor<2x3xf32>, tensor<2xi32> into tensor<4x3xf32>
  func.return %a : tensor<4x3xf32>
}
