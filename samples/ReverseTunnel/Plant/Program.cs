// The app of `dotnet new webapp` with one more line, UseMtaTlsAgent(), and the endpoint for orders below.
WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
builder.WebHost.UseMtaTlsAgent();

// Add services to the container.
builder.Services.AddRazorPages();

WebApplication app = builder.Build();

// Configure the HTTP request pipeline.
if (!app.Environment.IsDevelopment())
{
    app.UseExceptionHandler("/Error");
}

app.UseRouting();

app.UseAuthorization();

app.MapStaticAssets();
app.MapRazorPages()
   .WithStaticAssets();

// Only for the demonstration: it prints each order, so that the demonstration notices an order that arrives twice.
app.MapPost("/orders/{id}", (string id) => Console.WriteLine($"order {id}"));

app.Run();
