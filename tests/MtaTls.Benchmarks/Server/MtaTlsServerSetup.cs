using Microsoft.AspNetCore.Hosting;

namespace MtaTls.Benchmarks.Server;

internal static class MtaTlsServerSetup
{
    /// <summary>Adds MTA-TLS to the HTTPS endpoint for the contenders that speak it, as an app would: with its defaults.</summary>
    public static void ConfigureMtaTls(this IWebHostBuilder builder, Contender contender)
    {
        if (contender is Contender.MtaTls or Contender.MtaTlsHttp2)
        {
            builder.UseMtaTls();
        }
    }
}
