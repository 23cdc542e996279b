// RUN: irc-opt %s -p bufferize | filecheck %s

#id = affine_map<(i) -> (i)>
#rev = affine_map<(i) -> (-i + 3)>

// CHECK: "memref.global"() <{sym_name = "w"
nd.state @w : tensor<4xf32>

// A result is written where the caller wants it.
// CHECK-LABEL: func.func @result(%x: memref<4xf32> {irc.kind = "in"}, %result: memref<4xf32> {irc.kind = "out"})
func.func @result(%x: tensor<4xf32>) -> tensor<4xf32> {
  %e = tensor.empty() : tensor<4xf32>
  // CHECK-NOT: memref.alloc
  // CHECK: outs(%result : memref<4xf32>)
  %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) {
  ^bb0(%a: f32, %o: f32):
    %b = arith.negf %a : f32
    linalg.yield %b : f32
  } -> tensor<4xf32>
  func.return %y : tensor<4xf32>
}

// An argument is never overwritten: returning it is a copy.
// CHECK-LABEL: func.func @argument
func.func @argument(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK: "memref.copy"(%x, %result)
  func.return %x : tensor<4xf32>
}

// CHECK-LABEL: func.func @update_in_place
func.func @update_in_place(%x: tensor<4xf32>) {
  // CHECK: %w = memref.get_global @w
  %w = nd.state_read @w : tensor<4xf32>
  %e = tensor.empty() : tensor<4xf32>
  // CHECK: ins(%w, %x : memref<4xf32>, memref<4xf32>) outs(%w : memref<4xf32>)
  %y = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel"]} ins(%w, %x : tensor<4xf32>, tensor<4xf32>) outs(%e : tensor<4xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %c = arith.subf %a, %b : f32
    linalg.yield %c : f32
  } -> tensor<4xf32>
  // CHECK-NOT: memref.copy
  nd.state_write @w, %y : tensor<4xf32>
  func.return
}

// A reversal reads elements that it has overwritten: it needs memory of its own.
// CHECK-LABEL: func.func @reversal_is_not_in_place
func.func @reversal_is_not_in_place() {
  %w = nd.state_read @w : tensor<4xf32>
  %e = tensor.empty() : tensor<4xf32>
  // CHECK: %y = memref.alloc()
  // CHECK: outs(%y : memref<4xf32>)
  %y = linalg.generic {indexing_maps = [#rev, #id], iterator_types = ["parallel"]} ins(%w : tensor<4xf32>) outs(%e : tensor<4xf32>) {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  } -> tensor<4xf32>
  // CHECK: "memref.copy"(%y, %w)
  nd.state_write @w, %y : tensor<4xf32>
  func.return
}

// The update waits for the check.
// CHECK-LABEL: func.func @update_after_check
func.func @update_after_check(%x: tensor<4xf32>, %ok: i1) {
  %w = nd.state_read @w : tensor<4xf32>
  %e = tensor.empty() : tensor<4xf32>
  // CHECK: rt.assert
  // CHECK: outs(%w : memref<4xf32>)
  %y = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel"]} ins(%w, %x : tensor<4xf32>, tensor<4xf32>) outs(%e : tensor<4xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %c = arith.subf %a, %b : f32
    linalg.yield %c : f32
  } -> tensor<4xf32>
  rt.assert %ok : i1, "assert", "no"
  nd.state_write @w, %y : tensor<4xf32>
  func.return
}
