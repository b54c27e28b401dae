// Bytes from a serial line: one start bit, eight data bits, the lowest first, one stop bit; CYCLES of the clock a bit.
module uart_receiver #(
    parameter CYCLES = 25
) (
    input  wire       clk,
    input  wire       rst,
    input  wire       line,
    output reg  [7:0] data,
    output reg        valid,      // for one cycle: a byte has come
    output reg        broken      // for one cycle: its stop bit was low, it is none
);
    localparam COUNT_BITS = $clog2(CYCLES);

    // The line moves when it wants to.
    reg [2:0] settled;
    always @(posedge clk) settled <= rst ? 3'b111 : {settled[1:0], line};
    wire level = settled[2];

    reg busy;
    reg waiting;                  // after a broken byte, for the line to be idle
    reg [COUNT_BITS-1:0] count;
    reg [3:0] place;              // 0: start bit, 1 to 8: data bits, 9: stop bit
    wire sample = busy && (count == 0);

    always @(posedge clk) begin
        valid <= 1'b0;
        broken <= 1'b0;
        if (rst) begin
            busy <= 1'b0;
            waiting <= 1'b0;
            count <= 0;
            place <= 4'd0;
        end else if (waiting) begin
            waiting <= !level;
        end else if (!busy) begin
            // The first sample is half a bit after the edge.
            count <= CYCLES / 2 - 1;
            place <= 4'd0;
            busy <= !level;
        end else if (!sample) begin
            count <= count - 1'b1;
        end else begin
            count <= CYCLES - 1;
            place <= place + 1'b1;
            if (place == 4'd0) begin
                busy <= !level;
            end else if (place == 4'd9) begin
                busy <= 1'b0;
                waiting <= !level;
                valid <= level;
                broken <= !level;
            end else begin
                data <= {level, data[7:1]};
            end
        end
    end
endmodule
