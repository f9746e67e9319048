# One image with all programs: `ecom`, the five services and the gateway.

FROM rust:1.94-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked -p ecom-services --bins \
    && mkdir /out \
    && for name in ecom user-service order-service inventory-service payment-service notification-service gateway; do \
         strip -o "/out/$name" "target/release/$name"; \
       done

FROM debian:bookworm-slim AS runtime
# For amqps:// and PostgreSQL with TLS.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/ /usr/local/bin/
RUN useradd --system --uid 10001 --home-dir /var/lib/ecom --create-home --shell /usr/sbin/nologin ecom
USER ecom
WORKDIR /var/lib/ecom
VOLUME /var/lib/ecom
EXPOSE 8080 8081 8082 8083 8084 8085
# `ecom up` listens on this host alone unless HTTP_ADDR says otherwise: -e HTTP_ADDR=0.0.0.0:8080
CMD ["ecom", "up", "--data", "/var/lib/ecom/data"]
