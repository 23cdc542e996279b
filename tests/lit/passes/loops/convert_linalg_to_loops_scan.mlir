// RUN: irc-opt %s -p 'convert-nd-to-linalg,linalg-fuse,bufferize,convert-linalg-to-loops{target=cpu:x86-64-v3 threads=1}' | filecheck %s

// A matrix that the loop leaves alone is packed before it; its columns are those of a tile.
// CHECK-LABEL: func.func @packed_once
func.func @packed_once(%x0: tensor<1x40xf32>, %w: tensor<40x40xf32>) -> tensor<1x40xf32> {
  // CHECK: [[packed:%packed]] = memref.alloc() : memref<2560xf32>
  // CHECK: memref.store {{.*}}, [[packed]]
  // CHECK: scf.for %t =
  // CHECK-NOT: memref.store {{.*}}, [[packed]]
  // CHECK: func.call @irc.tile_f32_1x32_rows
  // CHECK-NOT: memref.store {{.*}}, [[packed]]
  %x = nd.scan "9" from (%x0[1]) : (tensor<1x40xf32>) -> (tensor<1x40xf32>) {
  ^bb0(%t: tensor<i64>, %p: tensor<40xf32>):
    %y = nd.dot %w, %p batch [], [] contract [1], [0] : tensor<40x40xf32>, tensor<40xf32> to tensor<40xf32>
    nd.yield %y : tensor<40xf32>
  }
  // CHECK: func.return
  func.return %x : tensor<1x40xf32>
}

// One that the loop changes is read where it is.
// CHECK-LABEL: func.func @state_is_not_packed
func.func @state_is_not_packed(%x: tensor<40xf32>, %w0: tensor<1x40x40xf32>) -> tensor<9x40xf32> {
  // CHECK-NOT: %packed
  // CHECK: scf.for %t =
  // CHECK: func.call @irc.dot_f32_4
  %w, %y = nd.scan "9" from (%w0[1]) : (tensor<1x40x40xf32>) -> (tensor<1x40x40xf32>, tensor<9x40xf32>) {
  ^bb0(%t: tensor<i64>, %p: tensor<40x40xf32>):
    %y = nd.dot %p, %x batch [], [] contract [1], [0] : tensor<40x40xf32>, tensor<40xf32> to tensor<40xf32>
    %q = nd.add %p, %p : tensor<40x40xf32>
    nd.yield %q, %y : tensor<40x40xf32>, tensor<40xf32>
  }
  // CHECK: func.return
  func.return %y : tensor<9x40xf32>
}

// Of loops inside each other, before the outermost that leaves it alone.
// CHECK-LABEL: func.func @nested
func.func @nested(%x0: tensor<1x40xf32>, %w: tensor<40x40xf32>) -> tensor<1x40xf32> {
  // CHECK: %packed = memref.alloc
  // CHECK: scf.for %t =
  // CHECK: scf.for %s =
  %x = nd.scan "9" from (%x0[1]) : (tensor<1x40xf32>) -> (tensor<1x40xf32>) {
  ^bb0(%t: tensor<i64>, %p: tensor<40xf32>):
    %p0 = nd.reshape %p : tensor<40xf32> to tensor<1x40xf32>
    %z = nd.scan "9" from (%p0[1]) : (tensor<1x40xf32>) -> (tensor<1x40xf32>) {
    ^bb1(%s: tensor<i64>, %q: tensor<40xf32>):
      %y = nd.dot %w, %q batch [], [] contract [1], [0] : tensor<40x40xf32>, tensor<40xf32> to tensor<40xf32>
      nd.yield %y : tensor<40xf32>
    }
    %last = nd.reshape %z : tensor<1x40xf32> to tensor<40xf32>
    nd.yield %last : tensor<40xf32>
  }
  func.return %x : tensor<1x40xf32>
}

// What makes the next row takes the tiles of the product, though both rows are of one buffer.
// CHECK-LABEL: func.func @epilogue
func.func @epilogue(%u: tensor<9x40xf32>, %x0: tensor<1x40xf32>, %w: tensor<40x40xf32>) -> tensor<1x40xf32> {
  // CHECK: memref.alloc() : memref<2x40xf32>
  // CHECK: scf.for %t =
  // CHECK-NOT: memref.alloc()
  // CHECK: func.call @irc.tile_f32_1x32_rows
  // CHECK: %total = memref.load %tile
  // CHECK: arith.addf {{.*}}%total
  // CHECK: math.tanh
  // CHECK-NEXT: memref.store {{.*}}, %next
  %x = nd.scan "9" over (%u[0]) from (%x0[1]) : (tensor<9x40xf32>, tensor<1x40xf32>) -> (tensor<1x40xf32>) {
  ^bb0(%t: tensor<i64>, %v: tensor<40xf32>, %p: tensor<40xf32>):
    %y = nd.dot %w, %p batch [], [] contract [1], [0] : tensor<40x40xf32>, tensor<40xf32> to tensor<40xf32>
    %s = nd.add %v, %y : tensor<40xf32>
    %z = nd.tanh %s : tensor<40xf32>
    nd.yield %z : tensor<40xf32>
  }
  func.return %x : tensor<1x40xf32>
}
