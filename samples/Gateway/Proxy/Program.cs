WebApplicationBuilder builder = WebApplication.CreateBuilder(args);

builder.WebHost.UseMtaTls();
builder.Services.AddReverseProxy()
    .LoadFromConfig(builder.Configuration.GetSection("ReverseProxy"))
    .AddMtaTlsRouting();

WebApplication app = builder.Build();

app.MapReverseProxy();

app.Run();
