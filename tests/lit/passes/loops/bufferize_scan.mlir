// RUN: irc-opt %s -p bufferize | filecheck %s

#id = affine_map<(i) -> (i)>
#rev = affine_map<(i) -> (-i + 3)>

// A state that is read element by element by the op that makes the next one has one row, here
// that of the result. Rows of a sequence are pointers.
// CHECK-LABEL: func.func @one_row
func.func @one_row(%T: index, %u: tensor<?x4xf32, #nd.dims<"T">>, %x0: tensor<1x4xf32>) -> tensor<1x4xf32> {
  // CHECK: "memref.copy"(%x0, %result)
  // CHECK-NEXT: scf.for %t =
  // CHECK-NEXT: [[x:%old_p]] = memref.reinterpret_cast %result
  // CHECK: [[at:%.*]] = arith.muli %t,
  // CHECK-NEXT: [[u:%row_v]] = memref.reinterpret_cast %u to offset: {{\[}}[[at]]], sizes: [4], strides: [1] {irc.row}
  %x = nd.scan "T" over (%u[0]) from (%x0[1]) : (tensor<?x4xf32, #nd.dims<"T">>, tensor<1x4xf32>) -> (tensor<1x4xf32>) {
  ^bb0(%t: index, %v: tensor<4xf32>, %p: tensor<4xf32>):
    %e = tensor.empty() : tensor<4xf32>
    // CHECK: linalg.generic {{.*}} ins({{%.*}}, {{%.*}} : {{.*}}) outs([[x]] :
    %y = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel"]} ins(%v, %p : tensor<4xf32>, tensor<4xf32>) outs(%e : tensor<4xf32>) {
    ^bb1(%a: f32, %b: f32, %o: f32):
      %c = arith.addf %a, %b : f32
      linalg.yield %c : f32
    } -> tensor<4xf32>
    // CHECK-NOT: memref.copy
    nd.yield %y : tensor<4xf32>
  }
  func.return %x : tensor<1x4xf32>
}

// One that is read elsewhere has two rows, which take turns.
// CHECK-LABEL: func.func @two_rows
func.func @two_rows(%x0: tensor<1x4xf32>) -> tensor<1x4xf32> {
  // CHECK: [[ring:%.*]] = memref.alloc() : memref<2x4xf32>
  // CHECK: scf.for
  // CHECK: arith.remui
  // CHECK: [[old:%old_p]] = memref.reinterpret_cast [[ring]]
  // CHECK: [[next:%next.*]] = memref.reinterpret_cast [[ring]]
  %x = nd.scan "5" from (%x0[1]) : (tensor<1x4xf32>) -> (tensor<1x4xf32>) {
  ^bb0(%t: index, %p: tensor<4xf32>):
    %e = tensor.empty() : tensor<4xf32>
    // CHECK: linalg.generic {{.*}} ins([[old]] : {{.*}}) outs([[next]] :
    %y = linalg.generic {indexing_maps = [#rev, #id], iterator_types = ["parallel"]} ins(%p : tensor<4xf32>) outs(%e : tensor<4xf32>) {
    ^bb1(%a: f32, %o: f32):
      linalg.yield %a : f32
    } -> tensor<4xf32>
    // CHECK-NOT: memref.copy
    nd.yield %y : tensor<4xf32>
    // CHECK: }
    // CHECK: memref.copy
  }
  func.return %x : tensor<1x4xf32>
}

// A history has a row for each step behind those before the first.
// CHECK-LABEL: func.func @history
func.func @history(%T: index, %x0: tensor<2x4xf32>) -> tensor<?x4xf32, #nd.dims<"T + 2">> {
  // CHECK: [[begin:%.*]] = memref.reinterpret_cast %result to offset: [0], sizes: [2, 4]
  // CHECK: "memref.copy"(%x0, [[begin]])
  // CHECK: scf.for %t =
  // CHECK: memref.reinterpret_cast %result
  // CHECK: arith.addi %t, [[two:%.*]] : index
  // CHECK: [[next:%next.*]] = memref.reinterpret_cast %result
  %x = nd.scan "T" from (history %x0[2]) : (tensor<2x4xf32>) -> (tensor<?x4xf32, #nd.dims<"T + 2">>) {
  ^bb0(%t: index, %p: tensor<4xf32>):
    %e = tensor.empty() : tensor<4xf32>
    // CHECK: outs([[next]] :
    %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%p : tensor<4xf32>) outs(%e : tensor<4xf32>) {
    ^bb1(%a: f32, %o: f32):
      %b = math.sqrt %a : f32
      linalg.yield %b : f32
    } -> tensor<4xf32>
    // CHECK-NOT: memref.copy
    nd.yield %y : tensor<4xf32>
  }
  func.return %x : tensor<?x4xf32, #nd.dims<"T + 2">>
}

// A state whose next row is also that of an output has no memory of its own.
// CHECK-LABEL: func.func @beside_an_output
func.func @beside_an_output(%T: index, %x0: tensor<1x4xf32>) -> tensor<?x4xf32, #nd.dims<"T">> {
  // CHECK-NOT: memref.alloc
  // CHECK: [[made:%.*]] = memref.reinterpret_cast %result
  // CHECK: [[given:%.*]] = memref.reinterpret_cast %x0
  // CHECK: [[old:%old_p]] = arith.select {{%.*}}, [[made]], [[given]]
  %x, %y = nd.scan "T" from (%x0[1]) : (tensor<1x4xf32>) -> (tensor<1x4xf32>, tensor<?x4xf32, #nd.dims<"T">>) {
  ^bb0(%t: index, %p: tensor<4xf32>):
    %e = tensor.empty() : tensor<4xf32>
    // CHECK: ins([[old]] :
    %y = linalg.generic {indexing_maps = [#rev, #id], iterator_types = ["parallel"]} ins(%p : tensor<4xf32>) outs(%e : tensor<4xf32>) {
    ^bb1(%a: f32, %o: f32):
      linalg.yield %a : f32
    } -> tensor<4xf32>
    // CHECK-NOT: memref.copy
    nd.yield %y, %y : tensor<4xf32>, tensor<4xf32>
  }
  func.return %y : tensor<?x4xf32, #nd.dims<"T">>
}

// In reverse the time falls while steps are counted.
// CHECK-LABEL: func.func @reverse
func.func @reverse(%T: index, %u: tensor<?xf32, #nd.dims<"T">>) -> tensor<?xf32, #nd.dims<"T">> {
  // CHECK: scf.for %step =
  // CHECK-NEXT: %t = arith.subi {{%.*}}, %step
  // CHECK: %row_v = memref.reinterpret_cast %u
  %y = nd.scan "T" reverse over (%u[0]) : (tensor<?xf32, #nd.dims<"T">>) -> (tensor<?xf32, #nd.dims<"T">>) {
  ^bb0(%t: index, %v: tensor<f32>):
    // CHECK: "memref.copy"(%row_v,
    nd.yield %v : tensor<f32>
  }
  func.return %y : tensor<?xf32, #nd.dims<"T">>
}

// After the last step its row is repeated, by a loop that does nothing else.
// CHECK-LABEL: func.func @until
func.func @until(%T: index, %u: tensor<?xi1, #nd.dims<"T">>, %x: tensor<f32>) -> tensor<?xf32, #nd.dims<"T">> {
  // CHECK: [[steps:%steps]] = scf.while (%step = {{%.*}}, %stopped = {{%.*}}) : (index, i1) -> index {
  // CHECK: scf.condition({{%.*}}) %step : index
  // CHECK: } do {
  // CHECK: [[stopped:%stopped.*]] = memref.load %row_v[]
  // CHECK: scf.yield {{%.*}}, [[stopped]]
  %y = nd.scan "T" until over (%u[0]) : (tensor<?xi1, #nd.dims<"T">>) -> (tensor<?xf32, #nd.dims<"T">>) {
  ^bb0(%t: index, %v: tensor<i1>):
    nd.yield %x, %v : tensor<f32>, tensor<i1>
  }
  // CHECK: scf.for {{%.*}} = [[steps]] to %T
  // CHECK: memref.copy
  func.return %y : tensor<?xf32, #nd.dims<"T">>
}

// After the last step the condition is not asked what it reads.
// CHECK-LABEL: func.func @search
func.func @search(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK: "memref.copy"(%x, %result)
  // CHECK: scf.while (%step = {{%.*}}) : (index) -> index {
  // CHECK-NEXT: [[left:%.*]] = arith.cmpi slt, %step
  // CHECK-NEXT: scf.if [[left]]
  // CHECK: scf.condition
  %y = nd.while limit <"9"> %x : tensor<4xf32> while {
  ^bb0(%v: tensor<4xf32>):
    %zero = arith.constant 0 : index
    %first = tensor.extract %v[%zero] : tensor<4xf32>
    %one = arith.constant 1.0 : f32
    %c = arith.cmpf olt, %first, %one : f32
    %go = tensor.from_elements %c : tensor<i1>
    nd.yield %go : tensor<i1>
  } do {
  ^bb0(%v: tensor<4xf32>):
    %e = tensor.empty() : tensor<4xf32>
    // CHECK: linalg.generic {{.*}} outs(%old
    %w = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%v : tensor<4xf32>) outs(%e : tensor<4xf32>) {
    ^bb1(%a: f32, %o: f32):
      %b = arith.addf %a, %a : f32
      linalg.yield %b : f32
    } -> tensor<4xf32>
    nd.yield %w : tensor<4xf32>
  } -> tensor<4xf32>
  func.return %y : tensor<4xf32>
}
