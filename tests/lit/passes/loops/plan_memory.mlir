// RUN: irc-opt %s -p loops-plan-memory | filecheck %s

// The second buffer starts where the first is dead: one place serves both.
// CHECK-LABEL: func.func @one_after_the_other(%n: index, %arena: memref<?xi8> {irc.kind = "arena"})
// CHECK-SAME: irc.arena = "64*((4*n + 63)//64)"
func.func @one_after_the_other(%n: index) {
  %zero = arith.constant 0 : index
  %v = arith.constant 1.0 : f32
  // CHECK: %a = memref.view %arena[%{{.*}}][%n] {irc.dims = #nd.dims<"n">}
  %a = memref.alloc(%n) {irc.dims = #nd.dims<"n">} : memref<?xf32>
  memref.store %v, %a[%zero] : memref<?xf32>
  %b = memref.alloc(%n) {irc.dims = #nd.dims<"n">} : memref<?xf32>
  memref.store %v, %b[%zero] : memref<?xf32>
  func.return
}

// Both are needed at once, and 4*n bytes are not known to hold 4*m.
// CHECK-LABEL: func.func @together
// CHECK-SAME: irc.arena = "64*((4*m + 63)//64) + 64*((4*n + 63)//64)"
func.func @together(%n: index, %m: index) {
  %a = memref.alloc(%n) {irc.dims = #nd.dims<"n">} : memref<?xf32>
  %b = memref.alloc(%m) {irc.dims = #nd.dims<"m">} : memref<?xf32>
  %zero = arith.constant 0 : index
  %v = arith.constant 1.0 : f32
  memref.store %v, %a[%zero] : memref<?xf32>
  memref.store %v, %b[%zero] : memref<?xf32>
  memref.store %v, %a[%zero] : memref<?xf32>
  func.return
}

// A view keeps its buffer alive.
// CHECK-LABEL: func.func @seen_through_a_view
// CHECK-SAME: irc.arena = "128"
func.func @seen_through_a_view() {
  %zero = arith.constant 0 : index
  %v = arith.constant 1.0 : f32
  %a = memref.alloc() : memref<4xf32>
  %view = memref.reinterpret_cast %a to offset: [0], sizes: [2, 2], strides: [2, 1] : memref<4xf32> to memref<2x2xf32>
  %b = memref.alloc() : memref<4xf32>
  memref.store %v, %b[%zero] : memref<4xf32>
  memref.store %v, %view[%zero, %zero] : memref<2x2xf32>
  func.return
}
