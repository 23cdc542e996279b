// RUN: irc-opt %s -p nd-canonicalize | filecheck %s

// CHECK-LABEL: @move_number
func.func @move_number() -> (tensor<2x3xf32>, tensor<6xf32>, tensor<2xf32>) {
  %c = nd.full 2.0 : f32 : tensor<f32>
  // CHECK-NEXT: nd.full 2.{{0+}}e+00 : f32 : tensor<2x3xf32>
  %a = nd.broadcast %c dims = [] : tensor<f32> to tensor<2x3xf32>
  // CHECK-NEXT: nd.full 2.{{0+}}e+00 : f32 : tensor<6xf32>
  %b = nd.reshape %a : tensor<2x3xf32> to tensor<6xf32>
  // CHECK-NEXT: nd.full 2.{{0+}}e+00 : f32 : tensor<2xf32>
  %d = nd.slice %b[] at <"1"> step [2] : tensor<6xf32> to tensor<2xf32>
  func.return %a, %b, %d : tensor<2x3xf32>, tensor<6xf32>, tensor<2xf32>
}

// CHECK-LABEL: @concat_numbers
func.func @concat_numbers() -> (tensor<4xf32>, tensor<4xf32>) {
  %c = nd.full 0.0 : f32 : tensor<2xf32>
  %d = nd.full -0.0 : f32 : tensor<2xf32>
  // CHECK: nd.full 0.{{0+}}e+00 : f32 : tensor<4xf32>
  %a = nd.concat %c, %c axis = 0 : tensor<2xf32>, tensor<2xf32> to tensor<4xf32>
  // CHECK-NEXT: nd.concat %c, %d
  %b = nd.concat %c, %d axis = 0 : tensor<2xf32>, tensor<2xf32> to tensor<4xf32>
  func.return %a, %b : tensor<4xf32>, tensor<4xf32>
}

// CHECK-LABEL: @move_nothing
func.func @move_nothing(%x: tensor<2x3xf32>) -> (tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>) {
  %a = nd.reshape %x : tensor<2x3xf32> to tensor<2x3xf32>
  %b = nd.broadcast %x dims = [0, 1] : tensor<2x3xf32> to tensor<2x3xf32>
  %c = nd.transpose %x perm = [0, 1] : tensor<2x3xf32> to tensor<2x3xf32>
  %d = nd.slice %x[] at <"0", "0"> step [1, 1] : tensor<2x3xf32> to tensor<2x3xf32>
  // CHECK-NEXT: func.return %x, %x, %x, %x
  func.return %a, %b, %c, %d : tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>
}

// CHECK-LABEL: @reversing_is_kept
func.func @reversing_is_kept(%x: tensor<3xf32>) -> tensor<3xf32> {
  // CHECK-NEXT: nd.slice
  %d = nd.slice %x[] at <"2"> step [-1] : tensor<3xf32> to tensor<3xf32>
  func.return %d : tensor<3xf32>
}

// CHECK-LABEL: @broadcast_again
func.func @broadcast_again(%x: tensor<3xf32>) -> tensor<4x2x3xf32> {
  %a = nd.broadcast %x dims = [1] : tensor<3xf32> to tensor<2x3xf32>
  // CHECK-NEXT: nd.broadcast %x dims = [2] : tensor<3xf32> to tensor<4x2x3xf32>
  %b = nd.broadcast %a dims = [1, 2] : tensor<2x3xf32> to tensor<4x2x3xf32>
  func.return %b : tensor<4x2x3xf32>
}

// CHECK-LABEL: @broadcast_of_new_axes
func.func @broadcast_of_new_axes(%x: tensor<3xf32>) -> tensor<3x2xf32> {
  %a = nd.reshape %x : tensor<3xf32> to tensor<3x1xf32>
  // CHECK-NEXT: nd.broadcast %x dims = [0] : tensor<3xf32> to tensor<3x2xf32>
  %b = nd.broadcast %a dims = [0, 1] : tensor<3x1xf32> to tensor<3x2xf32>
  func.return %b : tensor<3x2xf32>
}

// CHECK-LABEL: @broadcast_of_another_reshape
func.func @broadcast_of_another_reshape(%x: tensor<6xf32>) -> tensor<2x2x3xf32> {
  // CHECK-NEXT: %a = nd.reshape
  %a = nd.reshape %x : tensor<6xf32> to tensor<2x3xf32>
  // CHECK-NEXT: nd.broadcast %a
  %b = nd.broadcast %a dims = [1, 2] : tensor<2x3xf32> to tensor<2x2x3xf32>
  func.return %b : tensor<2x2x3xf32>
}

// CHECK-LABEL: @broadcast_of_unit_axes
func.func @broadcast_of_unit_axes(%x: tensor<3x1xf32>) -> tensor<3x2xf32> {
  // CHECK-NEXT: [[A:%.*]] = nd.reshape %x : tensor<3x1xf32> to tensor<3xf32>
  // CHECK-NEXT: nd.broadcast [[A]] dims = [0]
  %b = nd.broadcast %x dims = [0, 1] : tensor<3x1xf32> to tensor<3x2xf32>
  func.return %b : tensor<3x2xf32>
}

// CHECK-LABEL: @broadcast_adds_unit_axes
func.func @broadcast_adds_unit_axes(%x: tensor<3xf32>) -> tensor<1x3xf32> {
  // CHECK-NEXT: nd.reshape %x : tensor<3xf32> to tensor<1x3xf32>
  %b = nd.broadcast %x dims = [1] : tensor<3xf32> to tensor<1x3xf32>
  func.return %b : tensor<1x3xf32>
}

// CHECK-LABEL: @reshape_again
func.func @reshape_again(%x: tensor<?x6xf32, #nd.dims<"n">>) -> tensor<?x3xf32, #nd.dims<"2*n">> {
  %a = nd.reshape %x : tensor<?x6xf32, #nd.dims<"n">> to tensor<?xf32, #nd.dims<"6*n">>
  // CHECK-NEXT: nd.reshape %x
  %b = nd.reshape %a : tensor<?xf32, #nd.dims<"6*n">> to tensor<?x3xf32, #nd.dims<"2*n">>
  func.return %b : tensor<?x3xf32, #nd.dims<"2*n">>
}

// CHECK-LABEL: @reshape_of_broadcast
func.func @reshape_of_broadcast(%x: tensor<3xf32>) -> (tensor<2x1x3xf32>, tensor<6xf32>) {
  %a = nd.broadcast %x dims = [1] : tensor<3xf32> to tensor<2x3xf32>
  // CHECK: nd.broadcast %x dims = [2] : tensor<3xf32> to tensor<2x1x3xf32>
  %b = nd.reshape %a : tensor<2x3xf32> to tensor<2x1x3xf32>
  // CHECK-NEXT: nd.reshape %a
  %c = nd.reshape %a : tensor<2x3xf32> to tensor<6xf32>
  func.return %b, %c : tensor<2x1x3xf32>, tensor<6xf32>
}

// CHECK-LABEL: @transpose_again
func.func @transpose_again(%x: tensor<2x3x4xf32>) -> tensor<4x3x2xf32> {
  %a = nd.transpose %x perm = [1, 2, 0] : tensor<2x3x4xf32> to tensor<3x4x2xf32>
  // CHECK-NEXT: nd.transpose %x perm = [2, 1, 0]
  %b = nd.transpose %a perm = [1, 0, 2] : tensor<3x4x2xf32> to tensor<4x3x2xf32>
  func.return %b : tensor<4x3x2xf32>
}

// CHECK-LABEL: @transpose_of_broadcast
func.func @transpose_of_broadcast(%x: tensor<2x3xf32>) -> tensor<4x3x2xf32> {
  %a = nd.broadcast %x dims = [0, 1] : tensor<2x3xf32> to tensor<2x3x4xf32>
  // CHECK-NEXT: [[A:%.*]] = nd.transpose %x perm = [1, 0]
  // CHECK-NEXT: nd.broadcast [[A]] dims = [1, 2]
  %b = nd.transpose %a perm = [2, 1, 0] : tensor<2x3x4xf32> to tensor<4x3x2xf32>
  func.return %b : tensor<4x3x2xf32>
}

// CHECK-LABEL: @transpose_of_unit_axes
func.func @transpose_of_unit_axes(%x: tensor<1x3xf32>) -> tensor<3x1xf32> {
  // CHECK-NEXT: nd.reshape %x
  %a = nd.transpose %x perm = [1, 0] : tensor<1x3xf32> to tensor<3x1xf32>
  func.return %a : tensor<3x1xf32>
}

// CHECK-LABEL: @slice_again
func.func @slice_again(%x: tensor<?xf32, #nd.dims<"n + 9">>) -> tensor<2xf32> {
  %a = nd.slice %x[] at <"n + 1"> step [2] : tensor<?xf32, #nd.dims<"n + 9">> to tensor<4xf32>
  // CHECK-NEXT: nd.slice %x[] at <"n + 7"> step [-4]
  %b = nd.slice %a[] at <"3"> step [-2] : tensor<4xf32> to tensor<2xf32>
  func.return %b : tensor<2xf32>
}

// CHECK-LABEL: @slice_at_a_value_is_kept
func.func @slice_at_a_value_is_kept(%x: tensor<9xf32>, %i: tensor<i64>) -> tensor<2xf32> {
  // CHECK-NEXT: %a = nd.slice
  %a = nd.slice %x[%i] at <"?"> step [1] : tensor<9xf32>, tensor<i64> to tensor<4xf32>
  // CHECK-NEXT: nd.slice %a
  %b = nd.slice %a[] at <"1"> step [1] : tensor<4xf32> to tensor<2xf32>
  func.return %b : tensor<2xf32>
}

// CHECK-LABEL: @slice_of_insert
func.func @slice_of_insert(%x: tensor<9xf32>, %v: tensor<2xf32>, %i: tensor<i64>) -> (tensor<2xf32>, tensor<2xf32>) {
  %a = nd.insert_slice %v into %x[%i] at <"?"> step [1] : tensor<2xf32>, tensor<i64> into tensor<9xf32>
  %b = nd.slice %a[%i] at <"?"> step [1] : tensor<9xf32>, tensor<i64> to tensor<2xf32>
  // CHECK: [[C:%.*]] = nd.slice %a[] at <"1">
  %c = nd.slice %a[] at <"1"> step [1] : tensor<9xf32> to tensor<2xf32>
  // CHECK-NEXT: func.return %v, [[C]]
  func.return %b, %c : tensor<2xf32>, tensor<2xf32>
}

// CHECK-LABEL: @slice_beside_insert
func.func @slice_beside_insert(%x: tensor<?x3xf32, #nd.dims<"n + 4">>, %v: tensor<?x3xf32, #nd.dims<"n">>) -> (tensor<4x3xf32>, tensor<1x3xf32>) {
  %a = nd.insert_slice %v into %x[] at <"4", "0"> step [1, 1] : tensor<?x3xf32, #nd.dims<"n">> into tensor<?x3xf32, #nd.dims<"n + 4">>
  // CHECK: [[A:%.*]] = nd.insert_slice
  // CHECK: nd.slice %x[] at <"0", "0">
  %b = nd.slice %a[] at <"0", "0"> step [1, 1] : tensor<?x3xf32, #nd.dims<"n + 4">> to tensor<4x3xf32>
  // Where they may meet it stays.
  // CHECK: nd.slice [[A]][] at <"4", "0">
  %c = nd.slice %a[] at <"4", "0"> step [1, 1] : tensor<?x3xf32, #nd.dims<"n + 4">> to tensor<1x3xf32>
  func.return %b, %c : tensor<4x3xf32>, tensor<1x3xf32>
}

// CHECK-LABEL: @slice_of_concat
func.func @slice_of_concat(%x: tensor<2x3xf32>, %y: tensor<?x3xf32, #nd.dims<"n">>) -> (tensor<?x3xf32, #nd.dims<"n">>, tensor<2x2xf32>, tensor<3x3xf32>) {
  %a = nd.concat %x, %y axis = 0 : tensor<2x3xf32>, tensor<?x3xf32, #nd.dims<"n">> to tensor<?x3xf32, #nd.dims<"n + 2">>
  %b = nd.slice %a[] at <"n + 1", "0"> step [-1, 1] : tensor<?x3xf32, #nd.dims<"n + 2">> to tensor<?x3xf32, #nd.dims<"n">>
  %c = nd.slice %a[] at <"0", "1"> step [1, 1] : tensor<?x3xf32, #nd.dims<"n + 2">> to tensor<2x2xf32>
  // What lies in both stays.
  %d = nd.slice %a[] at <"0", "0"> step [1, 1] : tensor<?x3xf32, #nd.dims<"n + 2">> to tensor<3x3xf32>
  // CHECK: nd.slice %y[] at <"n - 1", "0"> step [-1, 1]
  // CHECK: nd.slice %x[] at <"0", "1"> step [1, 1]
  // CHECK: nd.slice %a[] at <"0", "0"> step [1, 1]
  func.return %b, %c, %d : tensor<?x3xf32, #nd.dims<"n">>, tensor<2x2xf32>, tensor<3x3xf32>
}

// CHECK-LABEL: @insert_everything
func.func @insert_everything(%x: tensor<3xf32>, %v: tensor<3xf32>) -> tensor<3xf32> {
  %a = nd.insert_slice %v into %x[] at <"0"> step [1] : tensor<3xf32> into tensor<3xf32>
  // CHECK-NEXT: func.return %v
  func.return %a : tensor<3xf32>
}

// CHECK-LABEL: @insert_same
func.func @insert_same(%x: tensor<3xf32>) -> tensor<3xf32> {
  %v = nd.slice %x[] at <"1"> step [1] : tensor<3xf32> to tensor<2xf32>
  %a = nd.insert_slice %v into %x[] at <"1"> step [1] : tensor<2xf32> into tensor<3xf32>
  // CHECK-NEXT: func.return %x
  func.return %a : tensor<3xf32>
}

// CHECK-LABEL: @insert_elsewhere
func.func @insert_elsewhere(%x: tensor<3xf32>) -> tensor<3xf32> {
  %v = nd.slice %x[] at <"1"> step [1] : tensor<3xf32> to tensor<2xf32>
  // CHECK: nd.insert_slice
  %a = nd.insert_slice %v into %x[] at <"0"> step [1] : tensor<2xf32> into tensor<3xf32>
  func.return %a : tensor<3xf32>
}

// CHECK-LABEL: @insert_over
func.func @insert_over(%x: tensor<3xf32>, %u: tensor<2xf32>, %v: tensor<2xf32>) -> tensor<3xf32> {
  %a = nd.insert_slice %u into %x[] at <"1"> step [1] : tensor<2xf32> into tensor<3xf32>
  // CHECK-NEXT: nd.insert_slice %v into %x[]
  %b = nd.insert_slice %v into %a[] at <"1"> step [1] : tensor<2xf32> into tensor<3xf32>
  func.return %b : tensor<3xf32>
}

// CHECK-LABEL: @concat_nothing
func.func @concat_nothing(%x: tensor<3xf32>, %e: tensor<0xf32>) -> (tensor<3xf32>, tensor<6xf32>) {
  %a = nd.concat %e, %x axis = 0 : tensor<0xf32>, tensor<3xf32> to tensor<3xf32>
  // CHECK-NEXT: nd.concat %x, %x
  %b = nd.concat %x, %e, %x axis = 0 : tensor<3xf32>, tensor<0xf32>, tensor<3xf32> to tensor<6xf32>
  // CHECK-NEXT: func.return %x
  func.return %a, %b : tensor<3xf32>, tensor<6xf32>
}

// CHECK-LABEL: @concat_again
func.func @concat_again(%x: tensor<2x3xf32>) -> (tensor<6x3xf32>, tensor<4x6xf32>) {
  %a = nd.concat %x, %x axis = 0 : tensor<2x3xf32>, tensor<2x3xf32> to tensor<4x3xf32>
  // CHECK: nd.concat %x, %x, %x axis = 0
  %b = nd.concat %a, %x axis = 0 : tensor<4x3xf32>, tensor<2x3xf32> to tensor<6x3xf32>
  // CHECK-NEXT: nd.concat %a, %a axis = 1
  %c = nd.concat %a, %a axis = 1 : tensor<4x3xf32>, tensor<4x3xf32> to tensor<4x6xf32>
  func.return %b, %c : tensor<6x3xf32>, tensor<4x6xf32>
}

// CHECK-LABEL: @reduce_unit_axes
func.func @reduce_unit_axes(%x: tensor<3x1xf32>) -> (tensor<3xf32>, tensor<3xf32>) {
  // CHECK-NEXT: [[Z:%.*]] = nd.full 0.{{0+}}e+00
  // CHECK-NEXT: [[A:%.*]] = nd.add %x, [[Z]]
  // CHECK-NEXT: nd.reshape [[A]]
  %a = nd.sum %x axes = [1] : tensor<3x1xf32> to tensor<3xf32>
  // CHECK-NEXT: nd.reshape %x
  %b = nd.max %x axes = [1] : tensor<3x1xf32> to tensor<3xf32>
  func.return %a, %b : tensor<3xf32>, tensor<3xf32>
}

// CHECK-LABEL: @extremum_of_repeated
func.func @extremum_of_repeated(%x: tensor<3xf32>) -> (tensor<3xf32>, tensor<3xf32>) {
  %a = nd.broadcast %x dims = [1] : tensor<3xf32> to tensor<2x3xf32>
  %b = nd.max %a axes = [0] : tensor<2x3xf32> to tensor<3xf32>
  // CHECK: [[C:%.*]] = nd.sum
  %c = nd.sum %a axes = [0] : tensor<2x3xf32> to tensor<3xf32>
  // CHECK: func.return %x, [[C]]
  func.return %b, %c : tensor<3xf32>, tensor<3xf32>
}

// CHECK-LABEL: @extremum_of_what_may_be_empty
func.func @extremum_of_what_may_be_empty(%x: tensor<3xf32>, %n: tensor<?xf32, #nd.dims<"n">>) -> tensor<3xf32> {
  %a = nd.broadcast %x dims = [1] : tensor<3xf32> to tensor<?x3xf32, #nd.dims<"n">>
  // CHECK: nd.max
  %b = nd.max %a axes = [0] : tensor<?x3xf32, #nd.dims<"n">> to tensor<3xf32>
  func.return %b : tensor<3xf32>
}

// CHECK-LABEL: @extremum_again
func.func @extremum_again(%x: tensor<2x3x4xf32>) -> (tensor<3xf32>, tensor<3xf32>) {
  %a = nd.min %x axes = [2] : tensor<2x3x4xf32> to tensor<2x3xf32>
  // CHECK: nd.min %x axes = [0, 2]
  %b = nd.min %a axes = [0] : tensor<2x3xf32> to tensor<3xf32>
  // CHECK-NEXT: %c = nd.sum
  %c = nd.sum %x axes = [2] : tensor<2x3x4xf32> to tensor<2x3xf32>
  // CHECK-NEXT: nd.sum %c axes = [0]
  %d = nd.sum %c axes = [0] : tensor<2x3xf32> to tensor<3xf32>
  func.return %b, %d : tensor<3xf32>, tensor<3xf32>
}
