// RUN: irc-opt %s -p nd-expand-convolutions | filecheck %s

// CHECK-LABEL: @windows_inside_are_kept
func.func @windows_inside_are_kept(%x: tensor<2x3x8x8xf32>, %w: tensor<4x3x3x3xf32>) -> tensor<2x4x3x3xf32> {
  // CHECK-NEXT: nd.conv %x, %w stride [2, 2] pad <"0", "0">, <"0", "0"> dilate [1, 1], [1, 1]
  // CHECK-NEXT: func.return
  %y = nd.conv %x, %w stride [2, 2] pad <"0", "0">, <"0", "0"> dilate [1, 1], [1, 1] : tensor<2x3x8x8xf32>, tensor<4x3x3x3xf32> to tensor<2x4x3x3xf32>
  func.return %y : tensor<2x4x3x3xf32>
}

// CHECK-LABEL: @zeros_around
func.func @zeros_around(%x: tensor<2x3x8xf32>, %w: tensor<4x3x3xf32>) -> tensor<2x4x8xf32> {
  // CHECK-NEXT: [[Z:%.*]] = nd.full 0.000000e+00 : f32 : tensor<2x3x10xf32>
  // CHECK-NEXT: [[X:%.*]] = nd.insert_slice %x into [[Z]][] at <"0", "0", "1"> step [1, 1, 1]
  // CHECK-NEXT: nd.conv [[X]], %w stride [1] pad <"0">, <"0"> dilate [1], [1]
  %y = nd.conv %x, %w stride [1] pad <"1">, <"1"> dilate [1], [1] : tensor<2x3x8xf32>, tensor<4x3x3xf32> to tensor<2x4x8xf32>
  func.return %y : tensor<2x4x8xf32>
}

// CHECK-LABEL: @less_than_none_is_a_slice
func.func @less_than_none_is_a_slice(%x: tensor<2x3x8xf32>, %w: tensor<4x3x3xf32>) -> tensor<2x4x6xf32> {
  // CHECK: [[G:%.*]] = nd.insert_slice %x into {{.*}} at <"0", "0", "0">
  // CHECK-NEXT: [[X:%.*]] = nd.slice [[G]][] at <"0", "0", "1"> step [1, 1, 1] : tensor<2x3x9xf32> to tensor<2x3x8xf32>
  // CHECK-NEXT: nd.conv [[X]], %w
  %y = nd.conv %x, %w stride [1] pad <"-1">, <"1"> dilate [1], [1] : tensor<2x3x8xf32>, tensor<4x3x3xf32> to tensor<2x4x6xf32>
  func.return %y : tensor<2x4x6xf32>
}

// A transposed convolution, stride 2: even and odd places each meet two of the four weights.

// CHECK-LABEL: @holes_are_not_multiplied
func.func @holes_are_not_multiplied(%x: tensor<2x3x7xf32>, %w: tensor<4x3x4xf32>) -> tensor<2x4x14xf32> {
  // CHECK: [[A:%.*]] = nd.slice %w[] at <"0", "0", "0"> step [1, 1, 2] : tensor<4x3x4xf32> to tensor<4x3x2xf32>
  // CHECK: [[EVEN:%.*]] = nd.conv {{%.*}}, [[A]] stride [1] pad <"0">, <"0"> dilate [1], [1]
  // CHECK: nd.insert_slice [[EVEN]] into {{.*}} at <"0", "0", "0"> step [1, 1, 2]
  // CHECK: [[B:%.*]] = nd.slice %w[] at <"0", "0", "1"> step [1, 1, 2] : tensor<4x3x4xf32> to tensor<4x3x2xf32>
  // CHECK: [[ODD:%.*]] = nd.conv {{%.*}}, [[B]]
  // CHECK: nd.insert_slice [[ODD]] into {{.*}} at <"0", "0", "1"> step [1, 1, 2]
  %y = nd.conv %x, %w stride [1] pad <"2">, <"2"> dilate [2], [1] : tensor<2x3x7xf32>, tensor<4x3x4xf32> to tensor<2x4x14xf32>
  func.return %y : tensor<2x4x14xf32>
}

// CHECK-LABEL: @zeros_of_unknown_sign_are_fetched
func.func @zeros_of_unknown_sign_are_fetched(%x: tensor<2x3x8xf32>, %w: tensor<4x3x?xf32, #nd.dims<"k">>) -> tensor<2x4x?xf32, #nd.dims<"k + 6">> {
  // CHECK: [[X:%.*]] = nd.gather %x[{{%.*}}] axes = [2]
  // CHECK-NEXT: [[T:%.*]] = nd.transpose [[X]] perm = [1, 2, 0]
  // CHECK-NEXT: nd.conv [[T]], %w
  %y = nd.conv %x, %w stride [1] pad <"k - 2">, <"k"> dilate [1], [1] : tensor<2x3x8xf32>, tensor<4x3x?xf32, #nd.dims<"k">> to tensor<2x4x?xf32, #nd.dims<"k + 7">>
  %z = nd.slice %y[] at <"0", "0", "0"> step [1, 1, 1] : tensor<2x4x?xf32, #nd.dims<"k + 7">> to tensor<2x4x?xf32, #nd.dims<"k + 6">>
  func.return %z : tensor<2x4x?xf32, #nd.dims<"k + 6">>
}

// CHECK-LABEL: @nothing_over_nothing
func.func @nothing_over_nothing(%x: tensor<2x0x8xf32>, %w: tensor<4x0x3xf32>) -> tensor<2x4x8xf32> {
  // CHECK-NEXT: [[Y:%.*]] = nd.full 0.000000e+00 : f32 : tensor<2x4x8xf32>
  // CHECK-NEXT: func.return [[Y]]
  %y = nd.conv %x, %w stride [1] pad <"1">, <"1"> dilate [1], [1] : tensor<2x0x8xf32>, tensor<4x0x3xf32> to tensor<2x4x8xf32>
  func.return %y : tensor<2x4x8xf32>
}
