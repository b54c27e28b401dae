// A reset after configuration and after the button, in time with the clock. It lasts 1,024 cycles: block RAM of an
// iCE40 gives zeros in the first microseconds after configuration.
module board_reset (
    input  wire clk,
    input  wire button,
    output reg  rst
);
    reg [9:0] count = 10'd0;
    reg [1:0] pressed = 2'b00;
    initial rst = 1'b1;
    always @(posedge clk) begin
        pressed <= {pressed[0], button};
        rst <= (count != 10'd1023);
        if (pressed[1]) count <= 10'd0;
        else if (count != 10'd1023) count <= count + 1'b1;
    end
endmodule
