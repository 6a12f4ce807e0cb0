using Microsoft.AspNetCore.Hosting;

namespace MtaTls.Benchmarks.Server;

internal static class MtaTlsServerSetup
{
    /// <summary>Adds MTA-TLS to the HTTPS endpoint for the contenders that speak it, as an app would.</summary>
    public static void ConfigureMtaTls(this IWebHostBuilder builder, Contender contender)
    {
        _ = builder;
        if (contender is not (Contender.MtaTls or Contender.MtaTlsHttp2)) return;
        throw new NotSupportedException("soon");
    }
}
