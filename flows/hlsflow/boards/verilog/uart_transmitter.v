// Bytes onto a serial line: one start bit, eight data bits, the lowest first, one stop bit; CYCLES of the clock a bit.
module uart_transmitter #(
    parameter CYCLES = 25
) (
    input  wire       clk,
    input  wire       rst,
    input  wire [7:0] data,
    input  wire       valid,
    output wire       ready,
    output reg        line
);
    localparam COUNT_BITS = $clog2(CYCLES);

    reg [9:0] bits;               // what is still to be sent; the last one of it is the stop bit
    reg [COUNT_BITS-1:0] count;
    reg sending;
    assign ready = !sending;

    always @(posedge clk) begin
        if (rst) begin
            sending <= 1'b0;
            line <= 1'b1;
            count <= 0;
        end else if (!sending) begin
            line <= 1'b1;
            count <= 0;
            bits <= {1'b1, data, 1'b0};
            sending <= valid;
        end else if (count != 0) begin
            count <= count - 1'b1;
        end else begin
            count <= CYCLES - 1;
            // Once nothing is left, the stop bit has had its time.
            line <= bits[0];
            bits <= {1'b0, bits[9:1]};
            if (bits == 10'd0) begin
                sending <= 1'b0;
                line <= 1'b1;
            end
        end
    end
endmodule
