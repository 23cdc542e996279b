// One function at each level gives the same.
// RUN: irc-opt %s --exec train --arg x=2x3xf32:arange --arg scale=2 | filecheck %s
// RUN: irc-opt %s -p convert-nd-to-linalg --exec train --arg x=2x3xf32:arange --arg scale=2 | filecheck %s
// RUN: irc-opt %s -p convert-nd-to-linalg,bufferize --exec train --arg x=2x3xf32:arange --arg scale=2 | filecheck %s
// RUN: irc-opt %s -p convert-nd-to-linalg,bufferize,convert-linalg-to-loops --exec train --arg x=2x3xf32:arange --arg scale=2 | filecheck %s

nd.state @W : tensor<3xf32>

// CHECK:      scale is 2.0
// CHECK-NEXT: result{{ ?}}0 : {{.*}} = {{\[}}[ 0.,  2.,  4.],
// CHECK-NEXT: [ 6.,  8., 10.]]
// CHECK-NEXT: result{{ ?}}1 : {{.*}} = 30.
// CHECK-NEXT: state W : {{.*}} = [ 6., 10., 14.]
func.func @train(%x: tensor<?x3xf32, #nd.dims<"n">>, %scale: tensor<f32>)
    -> (tensor<?x3xf32, #nd.dims<"n">>, tensor<f32>) {
  nd.print "scale is {0}"(%scale) : tensor<f32>
  %s = nd.broadcast %scale dims = [] : tensor<f32> to tensor<?x3xf32, #nd.dims<"n">>
  %y = nd.mul %x, %s : tensor<?x3xf32, #nd.dims<"n">>
  %w = nd.state_read @W : tensor<3xf32>
  %column = nd.sum %y axes = [0] : tensor<?x3xf32, #nd.dims<"n">> to tensor<3xf32>
  %new = nd.add %w, %column : tensor<3xf32>
  %total = nd.sum %column axes = [0] : tensor<3xf32> to tensor<f32>
  nd.state_write @W, %new : tensor<3xf32>
  func.return %y, %total : tensor<?x3xf32, #nd.dims<"n">>, tensor<f32>
}
